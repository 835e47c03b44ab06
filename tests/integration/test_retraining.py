from datetime import UTC, datetime, timedelta

from churn.core.alert_options import RetrainOptions
from churn.monitoring.alarm import Alarm, AlarmKind
from churn.pipeline.retraining import RetrainRequest, request_retrain
from churn.warehouse.connect import Connection, connect
from tests.integration.test_incidents import BLANKS, CONTRACT, DAY_1, NIGHT, update
from tests.loading import number

NOW = datetime(2026, 11, 10, 5, tzinfo=UTC)
OTHER = Alarm(AlarmKind.SLOW_DRIFT, "score", "v1", "Scores rose for 40 nights.", asks_retrain=True)


def request(
    url: str, days: float = 0, options: RetrainOptions | None = None
) -> RetrainRequest | None:
    now = NOW + timedelta(days=days)
    with connect(url) as connection:
        return request_retrain(connection, options or RetrainOptions(), f"run {days}", now=now)


def granted(url: str, days: float = 0, options: RetrainOptions | None = None) -> bool:
    found = request(url, days, options)
    assert found
    return found.granted


def test_an_alarm_that_asks_for_it_starts_a_training_with_the_reason(url: str) -> None:
    update(url, DAY_1, [CONTRACT, BLANKS])
    found = request(url)
    assert found
    assert found.granted
    assert found.alarm_ids == [1]
    assert found.reason == f"alarm 1: drift, contract: {CONTRACT.sentence}"


def test_alarms_that_do_not_ask_or_are_closed_start_none(url: str, connection: Connection) -> None:
    update(url, DAY_1, [CONTRACT, BLANKS])
    update(url, DAY_1 + NIGHT, [BLANKS])
    assert request(url) is None
    assert number(connection, "SELECT count(*) FROM retrain_requests") == 0


def test_one_incident_starts_one_training_however_long_it_is_open(
    url: str, connection: Connection
) -> None:
    for night in range(30):
        update(url, DAY_1 + night * NIGHT, [CONTRACT])
        request(url, night)
    assert number(connection, "SELECT count(*) FROM retrain_requests WHERE granted") == 1


def test_a_second_incident_waits_for_the_cool_down(url: str) -> None:
    update(url, DAY_1, [CONTRACT])
    assert granted(url, 0)
    update(url, DAY_1 + NIGHT, [CONTRACT, OTHER])
    held_back = request(url, 1)
    assert held_back
    assert not held_back.granted
    assert held_back.decided_because == (
        "alarms started a training at 2026-11-10 05:00 UTC; "
        "not before 2026-11-13 05:00 UTC (CHURN_RETRAIN_COOLDOWN_DAYS)"
    )
    assert not granted(url, 2.9)
    assert granted(url, 3)


def test_no_week_has_more_trainings_than_are_allowed(url: str) -> None:
    options = RetrainOptions(cooldown_days=0, per_week=2)
    fields = [Alarm(AlarmKind.DRIFT, f"f{n}", "v1", "x", asks_retrain=True) for n in range(9)]
    answers = []
    for day in range(9):
        update(url, DAY_1 + day * NIGHT, fields[: day + 1])
        answers.append(granted(url, day, options))
    assert answers == [True, True, False, False, False, False, False, True, True]


def test_none_per_week_never_starts_one(url: str) -> None:
    update(url, DAY_1, [CONTRACT])
    assert not granted(url, 0, RetrainOptions(per_week=0))


def test_a_run_that_asks_again_gets_its_answer_again(url: str, connection: Connection) -> None:
    update(url, DAY_1, [CONTRACT])
    first = request(url)
    assert request(url) == first
    assert number(connection, "SELECT count(*) FROM retrain_requests") == 1
