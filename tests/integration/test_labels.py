"""Labels by SQL are those of the rule in plain Python, whatever the order of the statements."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from churn.warehouse.connect import Connection, connect
from churn.warehouse.outcomes.labelled import Labelled, read_labelled
from churn.warehouse.outcomes.outcome import Outcome
from churn.warehouse.outcomes.record import Source, count_unknown, record_outcomes
from tests.outcome_rule import Predicted, label

START: Final = datetime(2026, 3, 20, 12, tzinfo=UTC)  # over a change of the clock in many zones
MATURITY: Final = timedelta(days=30)
TICK: Final = timedelta(microseconds=1)
BEGINNING: Final = datetime(2000, 1, 1, tzinfo=UTC)
END: Final = datetime(2100, 1, 1, tzinfo=UTC)
LAST: Final = START + timedelta(days=400)


def _log(connection: Connection, predictions: Sequence[Predicted], version: str = "v1") -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO prediction_logs (prediction_id, predicted_at, customer_id, model_version,"
            " probability_churn, prediction, threshold, features, contact)"
            " VALUES (%s, %s, %s, %s, .25, 0, .1, '{\"monthly_charges\": 95.5}', true)",
            [(p.prediction_id, p.predicted_at, p.customer_id, version) for p in predictions],
        )


def _read(
    connection: Connection, as_of: datetime = LAST, maturity: timedelta = MATURITY
) -> Labelled:
    return read_labelled(connection, since=BEGINNING, until=END, as_of=as_of, maturity=maturity)


def labels(
    connection: Connection, as_of: datetime = LAST, maturity: timedelta = MATURITY
) -> dict[UUID, tuple[int, int]]:
    """Return the label and the contact of each prediction."""
    found = _read(connection, as_of, maturity)
    ids = [UUID(bytes=bytes(one)) for one in found.prediction_id]
    both = zip(found.label.tolist(), found.contacted.tolist(), strict=True)
    return dict(zip(ids, both, strict=True))


OFFSETS: Final = [
    base + tick
    for base in (timedelta(), timedelta(days=10), MATURITY, timedelta(days=40), 2 * MATURITY)
    for tick in (-TICK, timedelta(), TICK)
]
MOMENTS: Final = st.sampled_from([START + offset for offset in OFFSETS])
CUSTOMERS: Final = st.sampled_from(["A", "B"])
PREDICTION_IDS: Final = [UUID(int=number) for number in range(1, 5)]
PREDICTIONS: Final = st.builds(
    lambda moments, who: [
        Predicted(one, customer, moment)
        for one, moment, customer in zip(PREDICTION_IDS, moments, who, strict=True)
    ],
    st.lists(
        st.sampled_from([START, START + timedelta(days=10), START + MATURITY]),
        min_size=4,
        max_size=4,
    ),
    st.lists(CUSTOMERS | st.none(), min_size=4, max_size=4),
)


@st.composite
def _outcomes(draw: st.DrawFn) -> Outcome:
    subject = draw(st.integers(0, 2))
    return Outcome(
        churned=draw(st.booleans()),
        observed_at=draw(MOMENTS),
        recorded_at=draw(MOMENTS),
        contacted=draw(st.none() | st.booleans()),
        prediction_id=draw(st.sampled_from([*PREDICTION_IDS, UUID(int=99)])) if subject else None,
        customer_id=draw(CUSTOMERS | st.just("unknown")) if subject != 1 else None,
    )


@pytest.mark.slow
@given(PREDICTIONS, st.lists(_outcomes(), max_size=12), MOMENTS, st.randoms(use_true_random=False))
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_labels_are_those_of_the_rule_in_any_order_and_fed_twice(
    url: str,
    predictions: list[Predicted],
    outcomes: list[Outcome],
    as_of: datetime,
    chance: random.Random,
) -> None:
    expected = {p.prediction_id: label(p, outcomes, as_of, MATURITY) for p in predictions}
    shuffled = outcomes.copy()
    chance.shuffle(shuffled)
    with connect(url) as connection:
        connection.execute("SET timezone = 'America/Sao_Paulo'")
        _log(connection, predictions)
        for fed in (outcomes, [*shuffled, *outcomes]):
            connection.execute("DELETE FROM outcomes")
            record_outcomes(connection, fed, Source.API)
            assert labels(connection, as_of) == expected
        again = record_outcomes(connection, shuffled, Source.FILE)
        assert (again.recorded, again.known) == (0, len(outcomes))
        connection.rollback()


def _stated(
    churned: bool, after: timedelta, *, recorded: timedelta | None = None, **subject: object
) -> Outcome:
    observed = START + after
    recorded_at = observed if recorded is None else START + recorded
    return Outcome(churned=churned, observed_at=observed, recorded_at=recorded_at, **subject)  # type: ignore[arg-type]


ONE: Final = PREDICTION_IDS[0]
DAY: Final = timedelta(days=1)


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (_stated(True, timedelta(), customer_id="A"), -1),
        (_stated(True, TICK, customer_id="A"), 1),
        (_stated(True, MATURITY, customer_id="A"), 1),
        (_stated(True, MATURITY + TICK, customer_id="A"), 0),
        (_stated(False, MATURITY - TICK, customer_id="A"), -1),
        (_stated(False, MATURITY, customer_id="A"), 0),
        (_stated(True, MATURITY, customer_id="B"), -1),
        (_stated(True, -DAY, prediction_id=ONE), 1),
        (_stated(False, DAY, prediction_id=ONE), 0),
    ],
    ids=[
        "left at the moment of the prediction",
        "left a tick after it",
        "left when the window ends",
        "left a tick after the window",
        "there a tick before the window ends",
        "there when the window ends",
        "another customer",
        "by its id, churned at any time",
        "by its id, retained once the window is over",
    ],
)
def test_the_window_is_open_at_its_start_and_closed_at_its_end(
    url: str, outcome: Outcome, expected: int
) -> None:
    with connect(url) as connection:
        _log(connection, [Predicted(ONE, "A", START)])
        record_outcomes(connection, [outcome], Source.API)
        assert labels(connection)[ONE][0] == expected


def test_retained_by_the_predictions_id_counts_when_the_window_ends(url: str) -> None:
    with connect(url) as connection:
        _log(connection, [Predicted(ONE, "A", START)])
        record_outcomes(connection, [_stated(False, DAY, prediction_id=ONE)], Source.API)
        assert labels(connection, START + MATURITY - TICK)[ONE][0] == -1
        assert labels(connection, START + MATURITY)[ONE][0] == 0


def test_a_statement_exists_from_when_it_was_observed_and_recorded(url: str) -> None:
    late = _stated(True, DAY, recorded=20 * DAY, customer_id="A")
    with connect(url) as connection:
        _log(connection, [Predicted(ONE, "A", START)])
        record_outcomes(connection, [late], Source.API)
        assert labels(connection, START + 20 * DAY - TICK)[ONE][0] == -1
        assert labels(connection, START + 20 * DAY)[ONE][0] == 1


def test_a_correction_takes_a_statement_back_and_both_are_kept(url: str) -> None:
    first = _stated(True, DAY, customer_id="A")
    correction = _stated(False, DAY, recorded=40 * DAY, customer_id="A")
    there = _stated(False, MATURITY, customer_id="A")
    with connect(url) as connection:
        _log(connection, [Predicted(ONE, "A", START)])
        record_outcomes(connection, [correction, there, first], Source.API)
        assert labels(connection, START + 39 * DAY)[ONE][0] == 1
        assert labels(connection, START + 40 * DAY)[ONE][0] == 0
        assert connection.execute("SELECT count(*) FROM outcomes").fetchone() == (3,)


def test_a_customer_predicted_five_times_is_five_predictions(url: str) -> None:
    predictions = [
        Predicted(UUID(int=n), "A", START + hour)
        for n, hour in enumerate(timedelta(hours=h) for h in range(5))
    ]
    left = _stated(True, timedelta(hours=2), customer_id="A")
    with connect(url) as connection:
        _log(connection, predictions)
        record_outcomes(connection, [left], Source.API)
        found = labels(connection)
    assert [found[p.prediction_id][0] for p in predictions] == [1, 1, -1, -1, -1]


def test_the_columns_of_the_log_come_with_the_labels(url: str) -> None:
    with connect(url) as connection:
        _log(connection, [Predicted(ONE, "A", datetime(2026, 3, 20, 23, 59, tzinfo=UTC))])
        _log(connection, [Predicted(UUID(int=2), None, START)], version="v2")
        connection.execute(
            "UPDATE prediction_logs SET contact = NULL, features = NULL WHERE customer_id IS NULL"
        )
        found = read_labelled(
            connection, "v1", since=BEGINNING, until=END, as_of=LAST, maturity=MATURITY
        )
        other = read_labelled(
            connection, "v2", since=START, until=END, as_of=LAST, maturity=MATURITY
        )
        none = read_labelled(
            connection, "v2", since=BEGINNING, until=START, as_of=LAST, maturity=MATURITY
        )
    assert [str(found.day[0]), found.probability[0], found.threshold[0]] == [
        "2026-03-20",
        0.25,
        0.1,
    ]
    assert (bool(found.advised[0]), found.monthly_charges[0]) == (True, 95.5)
    assert (bool(other.advised[0]), str(other.monthly_charges[0])) == (False, "nan")
    assert (len(found), len(other), len(none)) == (1, 1, 0)
    assert len(found.only(found.label == 1)) == 0


def test_statements_about_what_was_never_predicted_are_counted(url: str) -> None:
    known = [_stated(True, DAY, customer_id="A"), _stated(True, DAY, prediction_id=ONE)]
    unknown = [
        _stated(True, DAY, customer_id="Z"),
        _stated(True, DAY, prediction_id=UUID(int=77)),
        _stated(False, DAY, prediction_id=UUID(int=78), customer_id="A"),
    ]
    with connect(url) as connection:
        _log(connection, [Predicted(ONE, "A", START)])
        record_outcomes(connection, [*known, *unknown], Source.API)
        found = count_unknown(connection)
    assert (found.predictions, found.customers) == (2, 1)


def test_a_statement_needs_a_subject_and_a_known_source(url: str) -> None:
    with connect(url) as connection:
        for change in ("customer_id = NULL", "source = 'hearsay'"):
            record_outcomes(connection, [_stated(True, DAY, customer_id="A")], Source.API)
            refused = pytest.raises(psycopg.errors.CheckViolation)
            with refused, connection.transaction():
                connection.execute(f"UPDATE outcomes SET {change}".encode())  # noqa: S608
