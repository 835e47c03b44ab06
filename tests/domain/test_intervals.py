import numpy as np
import pytest

from churn.model.bootstrap import FoldScores, interval, measure, noise_floor, resampled
from churn.model.metrics import Payoff
from churn.model.ranking import Floats, Labels
from tests.customer_file import trained


def _calibrated(size: int, seed: int) -> tuple[Labels, Floats]:
    random = np.random.default_rng(seed)
    p = random.beta(1, 3, size)
    return (random.random(size) < p).astype(np.int64), p


def _payoff(size: int) -> Payoff:
    return Payoff(np.full(size, 70.0), 10.0)


def test_a_draw_has_as_many_customers_as_there_are() -> None:
    drawn = resampled(np.array([3.0, 1.0, 6.0]), draws=50)
    assert drawn.shape == (51, 3)
    assert set(drawn.sum(axis=1)) == {10.0}
    np.testing.assert_array_equal(drawn[0], [3, 1, 6])


def test_the_same_customers_are_drawn_every_time() -> None:
    np.testing.assert_array_equal(resampled(np.ones(20)), resampled(np.ones(20)))


def test_intervals_cover_the_truth_19_times_in_20() -> None:
    names = ("roc_auc", "log_loss", "brier", "accuracy", "precision_at_10")
    everybody, p = _calibrated(200_000, 0)
    rows = [FoldScores(np.arange(len(p)), p)]
    truth = measure(everybody, rows, np.ones((1, len(p))), _payoff(len(p))).draws
    covered = []
    for seed in range(1, 201):
        y, p = _calibrated(800, seed)
        weights = resampled(np.ones(800), draws=100, seed=seed)
        found = measure(y, [FoldScores(np.arange(800), p)], weights, _payoff(800)).figures
        covered.append([found[n].low <= truth[n][0] <= found[n].high for n in names])
    shares = dict(zip(names, np.mean(covered, axis=0), strict=True))
    assert all(0.90 <= share <= 0.985 for share in shares.values()), shares


def test_the_bootstrap_error_of_a_mean_is_the_one_of_the_book() -> None:
    values = np.random.default_rng(3).normal(size=500)
    drawn = resampled(np.ones(500), draws=2_000)
    figure = interval(drawn @ values / 500)
    assert figure.high - figure.value == pytest.approx(1.96 * values.std() / np.sqrt(500), rel=0.06)


def test_a_figure_that_is_not_defined_has_no_interval() -> None:
    figure = interval(np.array([np.nan, 1.0, 2.0]))
    assert np.isnan([figure.value, figure.low, figure.high]).all()


def test_an_interval_stays_within_what_the_metric_can_be() -> None:
    y, p = np.array([1, 0] * 20), np.array([0.9, 0.1] * 20)
    found = measure(y, [FoldScores(np.arange(40), p)], resampled(np.ones(40)), _payoff(40))
    assert found.figure("roc_auc").high <= 1
    assert found.figure("calibration_error").low >= 0


def test_the_noise_floor_is_what_calibrated_scores_show() -> None:
    floor = noise_floor([_part(1_000, 0)], np.ones(1_000), draws=1_000)
    shown = []
    for seed in range(300):
        y, p = _calibrated(1_000, seed)
        weights = np.ones((1, 1_000))
        found = measure(y, [FoldScores(np.arange(1_000), p)], weights, _payoff(1_000))
        shown.append(float(found.draws["calibration_error"][0]))
    assert floor.mean == pytest.approx(np.mean(shown), rel=0.05)
    assert 0.01 <= np.mean(np.array(shown) > floor.highest) <= 0.10


def _part(size: int, seed: int) -> FoldScores:
    return FoldScores(np.arange(size), _calibrated(size, seed)[1])


def test_the_noise_floor_falls_as_customers_are_added() -> None:
    floors = [noise_floor([_part(n, 0)], np.ones(n)).mean for n in (250, 1_000, 4_000)]
    assert floors[0] / floors[1] == pytest.approx(2, rel=0.15)
    assert floors[1] / floors[2] == pytest.approx(2, rel=0.15)


def test_the_recipe_is_calibrated_within_the_noise() -> None:
    recipe = trained().report.published
    assert recipe.measured.figure("calibration_error").value < recipe.noise_floor.highest


def test_distorted_scores_are_far_over_the_noise_floor() -> None:
    y, p = _calibrated(2_000, 1)
    odds = 3 * p / (1 - p)  # what class_weight="balanced" does to probabilities
    spoilt = [FoldScores(np.arange(2_000), odds / (1 + odds))]
    found = measure(y, spoilt, resampled(np.ones(2_000)), _payoff(2_000))
    floor = noise_floor(spoilt, np.ones(2_000))
    assert found.figure("calibration_error").low > 3 * floor.highest
