import itertools

import numpy as np
import pytest

from churn.monitoring import sequential
from churn.monitoring.sequential import Day, watch

HIGH, LOW = 0.7, -0.3


def day(*values: float) -> Day:
    return Day(np.array(values), np.ones(len(values)))


def test_the_expected_fortune_never_exceeds_one_at_the_limit_of_the_tolerance() -> None:
    """Every course of six days whose mean is exactly the tolerance, each with its probability."""
    tolerance = 0.02
    chance = (tolerance - LOW) / (HIGH - LOW)
    expected = np.zeros(6)
    for course in itertools.product((HIGH, LOW), repeat=6):
        probability = np.prod([chance if one == HIGH else 1 - chance for one in course])
        e_process = watch(
            [day(one) for one in course], tolerance=tolerance, alpha=0.05, two_sided=False
        )
        expected += probability * e_process.by_day
    staked = np.arange(1, 7) / (2 * sequential.LONGEST)
    assert expected == pytest.approx(staked, rel=1e-9)
    assert expected[-1] * sequential.LONGEST / 3 == pytest.approx(1), "two years of six days"


def test_counts_are_that_many_single_values() -> None:
    apart = watch([day(0.5, 0.5, -0.5)] * 4, tolerance=0.01, alpha=0.05)
    together = Day(np.array([0.5, -0.5]), np.array([2.0, 1.0]))
    assert watch([together] * 4, tolerance=0.01, alpha=0.05).by_day == pytest.approx(apart.by_day)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_mean_beyond_the_tolerance_is_found_with_its_sign(sign: int) -> None:
    random = np.random.default_rng(1)
    days = [Day(sign * 0.1 + random.uniform(-0.5, 0.5, 100), np.ones(100)) for _ in range(60)]
    e_process = watch(days, tolerance=0.02, alpha=0.05)
    assert e_process.is_alarm
    assert e_process.sign == sign
    assert e_process.by_day[e_process.alarm_day] >= 40, "1 / alpha for each of the two sides"
    assert (e_process.by_day[: e_process.alarm_day] < 40).all()


def test_a_change_that_begins_late_is_found_soon() -> None:
    random = np.random.default_rng(2)
    means = [0.0] * 200 + [0.15] * 60
    days = [Day(mean + random.uniform(-0.5, 0.5, 100), np.ones(100)) for mean in means]
    found = watch(days, tolerance=0.02, alpha=0.05).alarm_day
    assert found is not None
    assert 200 < found < 220


def test_no_look_of_a_year_exceeds_what_all_its_fortunes_have() -> None:
    """Looks back over a year that move on day by day see parts of the same two years of fortunes.

    The sum of all of them has an expectation of at most 1, so no look may see more than that sum.
    """
    random = np.random.default_rng(4)
    days = [Day(0.02 + random.uniform(-0.5, 0.5, 5), np.ones(5)) for _ in range(730)]
    bets = np.zeros(6)
    for number, one in enumerate(days):
        won = np.log1p(sequential._BETS[:, None] / 1.02 * (one.values - 0.02)) @ one.counts
        bets = (bets + 1 / 730) * np.exp(won)
        if number >= 365 and number % 40 == 0:
            look = watch(
                days[number - 364 : number + 1], tolerance=0.02, alpha=0.05, two_sided=False
            )
            assert look.by_day[-1] <= bets.mean()


def test_more_than_a_year_is_no_look() -> None:
    with pytest.raises(ValueError, match="366 days, of which at most 365"):
        watch([day(0.0)] * 366, tolerance=0.01, alpha=0.05)


def test_a_mean_within_the_tolerance_stays_quiet_for_a_year() -> None:
    random = np.random.default_rng(3)
    for _ in range(20):
        days = [Day(0.02 + random.uniform(-0.5, 0.5, 50), np.ones(50)) for _ in range(365)]
        assert not watch(days, tolerance=0.02, alpha=0.05).is_alarm


def test_one_side_is_not_tested_where_it_is_no_loss() -> None:
    days = [day(*[-0.4] * 50)] * 30
    assert not watch(days, tolerance=0.01, alpha=0.05, two_sided=False).is_alarm
    assert watch(days, tolerance=0.01, alpha=0.05).is_alarm


def test_an_overwhelming_result_stays_a_number() -> None:
    days = [Day(np.ones(1), np.array([1e6]))] * 3 + [Day(-np.ones(1), np.array([1e6]))] * 3
    assert np.isfinite(watch(days, tolerance=0.01, alpha=0.05).by_day).all()


def test_no_day_changes_nothing() -> None:
    assert not watch([], tolerance=0.01, alpha=0.05).is_alarm
