import numpy as np
import pytest
from scipy import stats

from churn.warehouse.cleaning.distances import (
    BINS_PER_DOUBLING,
    explained_by_chance,
    kolmogorov_smirnov,
    largest_difference,
    median,
    went_constant,
)


def test_the_distance_of_numbers_is_that_of_scipy() -> None:
    random = np.random.default_rng(1)
    one, other = random.integers(0, 30, 900), random.integers(5, 40, 700)
    counts = [
        {str(b): int(n) for b, n in zip(*np.unique(x, return_counts=True), strict=True)}
        for x in (one, other)
    ]
    expected = stats.ks_2samp(one, other).statistic
    assert kolmogorov_smirnov(*counts) == pytest.approx(expected)


def test_the_distance_of_choices_is_the_largest_difference_of_a_share() -> None:
    assert largest_difference({"a": 50, "b": 50}, {"a": 20, "c": 80}) == pytest.approx(0.8)
    assert largest_difference({}, {}) == 0


def test_chance_explains_a_distance_once_in_a_million_times() -> None:
    random = np.random.default_rng(2)
    limit = explained_by_chance(300, 500)
    same = (stats.ks_2samp(random.random(300), random.random(500)).statistic for _ in range(2_000))
    assert max(same) < limit
    assert 2 * np.exp(-2 * limit**2 * 300 * 500 / 800) == pytest.approx(1e-6)


def test_a_column_went_constant_where_chance_would_have_left_other_values() -> None:
    assert went_constant({"Yes": 900, "No": 100}, {"Yes": 200})
    assert not went_constant({"Yes": 999, "No": 1}, {"Yes": 200})
    assert not went_constant({"Yes": 500}, {"Yes": 200})
    assert not went_constant({"Yes": 500, "No": 500}, {"Yes": 199, "No": 1})


@pytest.mark.parametrize("amount", [0.3, 29.0, 70.35, 7_035.0, 1e9])
def test_the_median_is_within_a_tenth_of_the_numbers_in_its_bin(amount: float) -> None:
    place = int(BINS_PER_DOUBLING * np.log2(1 + amount))
    shown = float(median({"0": 2, str(place): 5, "200": 2}).replace(",", ""))
    assert 1 + shown == pytest.approx(1 + amount, rel=0.1, abs=0.5)
