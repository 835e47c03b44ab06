from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from churn.core.errors import ChurnError
from churn.monitoring import incidents
from churn.monitoring.alarm import Alarm, AlarmKind
from churn.monitoring.incidents import Changes, Condition, Incident, read_incidents
from churn.warehouse.connect import Connection, connect
from tests.loading import everything, number

DAY_1 = datetime(2026, 11, 1, 5, tzinfo=UTC)
NIGHT = timedelta(days=1)
CONTRACT = Alarm(
    AlarmKind.DRIFT,
    "contract",
    "v1",
    "Two-year contracts fell from 24 % to 11 % since 2026-10-20; the model cares: +0.31 log-odds.",
    {"statistic": 0.21, "limit": 0.08},
    asks_retrain=True,
)
BLANKS = Alarm(AlarmKind.QUALITY, "blanks", "v1", "9 % of tenure are blank.", {"share": 0.09})
BOTH: Sequence[Condition] = [(AlarmKind.DRIFT, "contract"), (AlarmKind.QUALITY, "blanks")]


def update(
    url: str,
    as_of: datetime,
    found: Sequence[Alarm] = (),
    judged: Sequence[Condition] = BOTH,
) -> Changes:
    with connect(url) as connection:
        return incidents.update_incidents(connection, found, judged, as_of)


def open_ones(connection: Connection) -> Sequence[Incident]:
    return read_incidents(connection, open_only=True)


def test_an_alarm_opens_an_incident_and_the_next_run_sees_the_same_one(
    url: str, connection: Connection
) -> None:
    assert update(url, DAY_1, [CONTRACT]).opened == [1]
    worse = Alarm(AlarmKind.DRIFT, "contract", "v2", "It fell further.", {"statistic": 0.4})
    changes = update(url, DAY_1 + NIGHT, [worse])
    assert (changes.opened, changes.seen_again, changes.closed) == ([], [1], [])
    (one,) = open_ones(connection)
    assert (one.opened_at, one.last_seen_at) == (DAY_1, DAY_1 + NIGHT)
    assert (one.sentence, one.model_version, one.figures) == (
        "It fell further.",
        "v2",
        {"statistic": 0.4},
    )


def test_what_is_judged_and_not_found_is_closed_and_may_open_again(
    url: str, connection: Connection
) -> None:
    update(url, DAY_1, [CONTRACT, BLANKS])
    assert update(url, DAY_1 + NIGHT, [BLANKS]).closed == [1]
    assert [one.subject for one in open_ones(connection)] == ["blanks"]
    assert update(url, DAY_1 + 2 * NIGHT, [CONTRACT]).opened == [3]
    assert update(url, DAY_1 + 2 * NIGHT, [CONTRACT]) == Changes([], [3], [], [])


def test_what_cannot_be_judged_stays_open(url: str, connection: Connection) -> None:
    update(url, DAY_1, [CONTRACT, BLANKS])
    assert update(url, DAY_1 + NIGHT, [], judged=[]) == Changes([], [], [], [])
    assert len(open_ones(connection)) == 2


def test_the_same_run_twice_changes_nothing(url: str, connection: Connection) -> None:
    update(url, DAY_1, [CONTRACT, BLANKS])
    update(url, DAY_1 + NIGHT, [CONTRACT])
    before = everything(connection, "SELECT * FROM alarms ORDER BY alarm_id")
    again = update(url, DAY_1 + NIGHT, [CONTRACT])
    assert (again.opened, again.closed) == ([], [])
    assert everything(connection, "SELECT * FROM alarms ORDER BY alarm_id") == before


@pytest.mark.parametrize(
    "order", [*permutations(range(3))], ids=lambda order: "".join(map(str, order))
)
def test_what_is_open_does_not_depend_on_the_order_of_the_runs(
    order: Sequence[int], url: str, connection: Connection
) -> None:
    found: Sequence[Sequence[Alarm]] = ([CONTRACT], [CONTRACT, BLANKS], [BLANKS])
    for night in order:
        update(url, DAY_1 + night * NIGHT, found[night])
    assert [one.subject for one in open_ones(connection)] == ["blanks"]
    assert open_ones(connection)[0].last_seen_at == DAY_1 + 2 * NIGHT


def test_a_run_as_of_an_earlier_moment_opens_nothing_and_reports_it(
    url: str, connection: Connection
) -> None:
    update(url, DAY_1 + NIGHT)
    changes = update(url, DAY_1, [CONTRACT])
    assert changes.opened == []
    assert set(changes.unchanged) == set(BOTH)
    assert open_ones(connection) == []


def test_of_two_alarms_about_one_condition_the_first_counts(
    url: str, connection: Connection
) -> None:
    other = Alarm(AlarmKind.DRIFT, "contract", "v0", "of another version")
    assert update(url, DAY_1, [CONTRACT, other]).opened == [1]
    assert open_ones(connection)[0].model_version == "v1"


def test_an_alarm_that_was_not_named_as_judged_is_judged(url: str, connection: Connection) -> None:
    assert update(url, DAY_1, [CONTRACT], judged=[]).opened == [1]
    assert len(open_ones(connection)) == 1


def test_concurrent_runs_open_one_incident(url: str, connection: Connection) -> None:
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: update(url, DAY_1, [CONTRACT, BLANKS]), range(4)))
    assert sorted(map(len, (one.opened for one in done))) == [0, 0, 0, 2]
    assert number(connection, "SELECT count(*) FROM alarms") == 2


def test_figures_that_are_not_finite_and_hostile_text_are_kept_as_they_can_be(
    url: str, connection: Connection
) -> None:
    hostile = Alarm(
        AlarmKind.DRIFT, "score", "v1", "a\x00b\x1b[31m" + "x" * 20_000, {"z": float("nan")}
    )
    update(url, DAY_1, [hostile])
    (one,) = open_ones(connection)
    assert one.figures == {"z": None}
    assert one.sentence.startswith("a\\x00b\\x1b[31mxxx")
    assert len(one.sentence) < 2_100


def test_a_run_without_a_time_zone_is_refused(url: str) -> None:
    with pytest.raises(ChurnError, match="no time zone"):
        update(url, datetime(2026, 11, 1))  # noqa: DTZ001


def test_moments_of_other_time_zones_are_the_same_moments(url: str, connection: Connection) -> None:
    from zoneinfo import ZoneInfo

    update(url, DAY_1, [CONTRACT])
    update(url, DAY_1.astimezone(ZoneInfo("America/Sao_Paulo")), [CONTRACT])
    (one,) = open_ones(connection)
    assert one.opened_at == one.last_seen_at == DAY_1


def test_an_incident_is_acknowledged_once(url: str) -> None:
    update(url, DAY_1, [CONTRACT])
    with connect(url) as connection:
        one = incidents.acknowledge(connection, 1, "ana", "asked the billing team")
        assert (one.acknowledged_by, one.note) == ("ana", "asked the billing team")
        with pytest.raises(ChurnError, match=r"acknowledged by ana at .* UTC already"):
            incidents.acknowledge(connection, 1, "bob")
        with pytest.raises(ChurnError, match="there is no alarm 7; `churn alarms list`"):
            incidents.acknowledge(connection, 7, "bob")


def test_a_closed_incident_cannot_be_acknowledged(url: str) -> None:
    update(url, DAY_1, [CONTRACT])
    update(url, DAY_1 + NIGHT)
    with (
        connect(url) as connection,
        pytest.raises(ChurnError, match="closed at 2026-11-02 05:00 UTC"),
    ):
        incidents.acknowledge(connection, 1, "bob")


@pytest.mark.parametrize(
    ("kind", "subject", "silenced"),
    [
        (AlarmKind.DRIFT, "contract", {"contract"}),
        (AlarmKind.DRIFT, None, {"contract"}),
        (AlarmKind.DRIFT, "tenure", set()),
        (None, None, {"contract", "blanks"}),
        (AlarmKind.PERFORMANCE, None, set()),
    ],
    ids=["both", "kind", "other-subject", "all", "other-kind"],
)
def test_a_silence_is_for_a_kind_a_subject_or_all(
    kind: AlarmKind | None, subject: str | None, silenced: set[str], url: str
) -> None:
    update(url, DAY_1, [CONTRACT, BLANKS])
    until = datetime.now(UTC) + NIGHT
    with connect(url) as connection:
        incidents.silence(connection, until, "ana", kind=kind, subject=subject)
        found = {one.subject: one.silenced_until for one in open_ones(connection)}
        later = read_incidents(connection, now=until + NIGHT)
    assert {name for name, end in found.items() if end} == silenced
    assert not any(one.silenced_until for one in later)


def test_a_silence_into_the_past_is_refused(url: str) -> None:
    with connect(url) as connection, pytest.raises(ChurnError, match="is past; name a later day"):
        incidents.silence(connection, DAY_1, "ana")


def test_an_incident_is_escalated_once_when_it_was_not_acknowledged_in_time(url: str) -> None:
    update(url, DAY_1, [CONTRACT, BLANKS])
    now = datetime.now(UTC)
    with connect(url) as connection:
        incidents.acknowledge(connection, 2, "ana")
        assert incidents.escalate(connection, 24, now=now + timedelta(hours=23)) == []
        assert incidents.escalate(connection, 24, now=now + timedelta(hours=25)) == [1]
        assert incidents.escalate(connection, 24, now=now + timedelta(hours=26)) == []


def test_a_silenced_or_closed_incident_is_not_escalated(url: str) -> None:
    update(url, DAY_1, [CONTRACT, BLANKS])
    update(url, DAY_1 + NIGHT, [CONTRACT])
    later = datetime.now(UTC) + 2 * NIGHT
    with connect(url) as connection:
        incidents.silence(connection, later + NIGHT, "ana")
        assert incidents.escalate(connection, 24, now=later) == []


def test_the_service_may_read_alarms_and_change_none(url: str, serving_url: str) -> None:
    import psycopg

    update(url, DAY_1, [CONTRACT])
    with connect(serving_url) as connection:
        assert [one.subject for one in open_ones(connection)] == ["contract"]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            incidents.acknowledge(connection, 1, "the service")
