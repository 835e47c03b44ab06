from datetime import date, timedelta

import pytest
from scipy import stats

from churn.monitoring import quality
from churn.monitoring.alarm import AlarmKind
from churn.monitoring.quality import Loaded

DAY = date(2026, 11, 2)


def load(rows: int, rejected: int, day: date = DAY) -> Loaded:
    return Loaded("customers.csv", day, rows, rejected)


def test_the_limit_is_exceeded_by_chance_once_in_a_lifetime() -> None:
    chance = 2 * stats.norm.sf(quality.SURE)
    assert 1 / chance == pytest.approx(147_000, rel=0.01)
    assert 1 / chance / 20 / 52 == pytest.approx(141, rel=0.01), "years of 20 fields a week"


@pytest.mark.parametrize(
    ("unknown", "before", "rows", "alarms"),
    [
        (0, 0, 1_000, False),
        (500, 500, 1_000, False),
        (540, 500, 100_000, False),
        (100, 0, 1_000, True),
        (0, 100, 1_000, True),
        (3, 0, 30, False),
    ],
)
def test_blanks_alarm_when_their_share_changes_beyond_chance_and_five_points(
    unknown: int, before: int, rows: int, alarms: bool
) -> None:
    found = list(quality.blanks({"tenure": unknown}, rows, {"tenure": before}, rows, "v1"))
    assert [alarm.subject for alarm in found] == ["tenure"] * alarms
    assert all(alarm.kind is AlarmKind.QUALITY for alarm in found)


def test_blanks_are_not_compared_with_a_window_without_predictions() -> None:
    assert not list(quality.blanks({"tenure": 900}, 1_000, {"tenure": 0}, 0, "v1"))


@pytest.mark.parametrize(
    ("counts", "alarms"),
    [
        ([1_000, 1_000, 1_000, 201], False),
        ([1_000, 1_000, 1_000, 200], True),
        ([1_000, 1_000, 1_000, 0], True),
        ([1_000, 1_000, 0], False),
        ([90, 90, 90, 0], False),
        ([0, 0, 0, 1_000], False),
    ],
)
def test_few_predictions_alarm_where_there_usually_are_many(
    counts: list[int], alarms: bool
) -> None:
    found = quality.predictions(counts, "v1")
    assert (found is not None) is alarms


@pytest.mark.parametrize(
    ("loads", "alarms"),
    [
        ([], False),
        ([load(1_000, 900)], False),
        ([load(1_000, 0), load(1_000, 100)], True),
        ([load(1_000, 100), load(1_000, 110)], False),
        ([load(1_000_000, 0), load(1_000_000, 15_000)], False),
        ([load(1_000, 100), load(1_000, 0)], False),
        ([load(1_000, 0), load(0, 0)], False),
    ],
)
def test_rejected_rows_alarm_when_their_share_rises_beyond_chance_and_two_points(
    loads: list[Loaded], alarms: bool
) -> None:
    assert (quality.rejected(loads, "v1") is not None) is alarms


def test_customers_of_long_ago_alarm_and_no_load_does_not() -> None:
    loads = [load(10, 0, DAY - timedelta(days=40)), load(10, 0, DAY - timedelta(days=36))]
    found = quality.age(loads, DAY, 35, "v1")
    assert found
    assert "36 days ago" in found.sentence
    assert quality.age(loads, DAY, 36, "v1") is None
    assert quality.age([], DAY, 1, "v1") is None
