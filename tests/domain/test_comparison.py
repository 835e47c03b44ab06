import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics

from churn.model.metrics import log_loss
from churn.model.ranking import Floats, Labels, Ranked, placements, roc_auc
from churn.training.comparison import Comparison, Difference, differences, student

Scored = tuple[Labels, Floats]


def _scored(rows: int = 600, seed: int = 0) -> Scored:
    """Return outcomes, and the probabilities that they were drawn with."""
    rng = np.random.default_rng(seed)
    p = np.clip(rng.beta(1, 3, size=rows), 0.001, 0.9)
    return (rng.random(rows) < p).astype(np.int64), p


def _drawn(metric: str, y: Labels, p: Floats, counts: Floats) -> Floats:
    return log_loss(y, p, counts) if metric == "log_loss" else roc_auc(Ranked(y, p, counts))


def _reach(one: Difference) -> float:
    return (one.high - one.low) / 2


@given(st.integers(0, 10_000), st.sampled_from([1, 2, 16]))
def test_both_metrics_are_scikit_learns_with_weights_and_ties(seed: int, decimals: int) -> None:
    y, p = _scored(80, seed)
    p = np.clip(np.round(p, decimals), 0, 1)
    counts = np.random.default_rng(seed).integers(0, 5, size=(3, 80)).astype(float)
    counts[:, [int(y.argmax()), int(y.argmin())]] += 1
    expected = [metrics.roc_auc_score(y, p, sample_weight=row) for row in counts]
    assert roc_auc(Ranked(y, p, counts)) == pytest.approx(expected, abs=1e-12)
    placed = [np.average(placements(y, p, row), weights=row * y) for row in counts]
    assert placed == pytest.approx(expected, abs=1e-12)
    expected = [metrics.log_loss(y, p, sample_weight=row) for row in counts]
    assert log_loss(y, p, counts) == pytest.approx(expected, abs=1e-12)
    found = differences(Comparison(y, p, p[::-1].copy(), {}, counts[0]), level=0.95)
    assert found["log_loss"].champion == pytest.approx(expected[0], abs=1e-12)
    assert found["roc_auc"].champion == pytest.approx(placed[0], abs=1e-12)


def test_the_interval_of_the_mean_loss_is_students_with_the_churned_customers_freedom() -> None:
    y, p = _scored(4_000)
    other = p + 0.05
    found = differences(Comparison(y, p, other, {}), level=0.95)["log_loss"]
    paired = -np.where(y == 1, np.log(other / p), np.log((1 - other) / (1 - p)))
    t = stats.t.ppf(0.975, min(y.sum(), (1 - y).sum()) - 1)
    assert found.mean == pytest.approx(paired.mean())
    assert _reach(found) == pytest.approx(t * paired.std() / np.sqrt(len(y)), rel=1e-4)


@pytest.mark.parametrize("metric", ["log_loss", "roc_auc"])
def test_the_interval_is_as_wide_as_a_paired_bootstraps(metric: str) -> None:
    y, p = _scored(2_000)
    other = np.clip(p * np.random.default_rng(3).uniform(0.6, 1.4, len(p)), 0.001, 0.99)
    counts = np.random.default_rng(4).multinomial(len(y), np.full(len(y), 1 / len(y)), size=2_000)
    found = differences(Comparison(y, p, other, {}), level=0.95)[metric]
    one, two = (_drawn(metric, y, scores, counts.astype(float)) for scores in (p, other))
    assert _reach(found) == pytest.approx(1.96 * np.std(two - one), rel=0.06)


def test_a_paired_interval_is_far_narrower_than_that_of_each_model() -> None:
    y, p = _scored()
    near = np.clip(p * 1.02, 0, 1)
    pair = differences(Comparison(y, p, near, {}), level=0.95)
    alone = differences(Comparison(y, np.full(len(y), 0.5), near, {}), level=0.95)
    assert _reach(pair["log_loss"]) < _reach(alone["log_loss"]) / 20


@pytest.mark.parametrize(("rows", "share"), [(300, 1.0), (3_000, 0.1)], ids=["25 %", "2.5 %"])
def test_the_interval_covers_the_truth_as_often_as_it_states(rows: int, share: float) -> None:
    def drawn(rows: int, seed: int) -> Comparison:
        rng = np.random.default_rng(seed)
        p = share * np.clip(rng.beta(1, 3, size=rows), 0.001, 0.9)
        y = (rng.random(rows) < p).astype(np.int64)
        return Comparison(y, p, p * 0.8 + 0.05 * share, {})

    truth = differences(drawn(400_000, 999), level=0.9)["log_loss"].mean
    found = [differences(drawn(rows, seed), level=0.9)["log_loss"] for seed in range(300)]
    assert 0.86 <= np.mean([one.low <= truth <= one.high for one in found]) <= 0.94


def test_a_row_of_weight_three_is_as_good_as_three_rows() -> None:
    y, p = _scored(300)
    other = np.clip(p + 0.03 * np.sin(np.arange(300)), 0.001, 1)
    weights = np.random.default_rng(5).integers(1, 4, size=300)
    packed = Comparison(y, p, other, {}, weights.astype(float))
    rows = np.repeat(np.arange(len(y)), weights)
    unpacked = Comparison(y[rows], p[rows], other[rows], {})
    one, two = (differences(compared, level=0.95) for compared in (packed, unpacked))
    for metric in ("log_loss", "roc_auc"):
        assert vars(one[metric]) == pytest.approx(vars(two[metric]))


@pytest.mark.parametrize("metric", ["log_loss", "roc_auc"])
def test_look_alikes_who_were_chosen_together_are_one_draw(metric: str) -> None:
    y, p = _scored()
    other = np.clip(p + np.random.default_rng(1).normal(0, 0.05, len(p)), 0.001, 0.999)
    once = differences(Comparison(y, p, other, {}), level=0.95)[metric]
    four = Comparison(np.tile(y, 4), np.tile(p, 4), np.tile(other, 4), {})
    apart = differences(four, level=0.95)[metric]
    grouped = replace(four, groups=np.tile(np.arange(len(y)), 4))
    together = differences(grouped, level=0.95)[metric]
    assert together.mean == pytest.approx(once.mean)
    assert _reach(together) == pytest.approx(_reach(once), rel=0.01)
    assert _reach(apart) == pytest.approx(_reach(once) / 2, rel=0.02)


def test_scores_of_a_cross_validation_have_the_variance_of_nadeau_and_bengio() -> None:
    """Three repeats of five folds: (1 / 15 + 1 / 4) times the folds' variance, 5 times the mean's.

    (1 / 15 + 1 / 4) * 5 = 1.58, against 1 of independent customers.
    """
    y, p = _scored(2_000)
    other = p * 0.9
    plain = differences(Comparison(y, p, other, {}), level=0.95)["log_loss"]
    one, two = (np.tile(scores, (3, 1)) for scores in (p, other))
    folded = differences(Comparison(y, one, two, {}, folds=5), level=0.95)["log_loss"]
    assert folded.mean == pytest.approx(plain.mean)
    assert _reach(folded) / _reach(plain) == pytest.approx(math.sqrt(1.58333), rel=1e-4)


def test_a_metric_over_repeats_is_the_mean_of_the_repeats_and_not_of_averaged_scores() -> None:
    y, p = _scored()
    noisy = np.clip(p * np.random.default_rng(1).uniform(0.5, 1.5, (3, len(p))), 0.001, 0.99)
    found = differences(Comparison(y, np.tile(p, (3, 1)), noisy, {}, folds=5), level=0.95)
    losses = [metrics.log_loss(y, one) for one in noisy]
    aucs = [metrics.roc_auc_score(y, one) for one in noisy]
    assert found["log_loss"].challenger == pytest.approx(np.mean(losses))
    assert found["roc_auc"].challenger == pytest.approx(np.mean(aucs))
    assert found["log_loss"].challenger > metrics.log_loss(y, noisy.mean(0))


@pytest.mark.parametrize("churned", [12, 300])
def test_few_churned_customers_widen_an_interval(churned: int) -> None:
    y = (np.arange(1_000) < churned).astype(np.int64)
    compared = Comparison(y, np.full(1_000, 0.1), np.full(1_000, 0.11), {})
    gap = np.where(y == 1, -np.log(0.11 / 0.1), -np.log(0.89 / 0.9))
    expected = stats.t.ppf(0.975, churned - 1) * gap.std() / math.sqrt(1_000)
    assert _reach(differences(compared, level=0.95)["log_loss"]) == pytest.approx(
        expected, rel=1e-3
    )


@pytest.mark.parametrize("freedom", [10, 49, 1_000])
def test_the_quantiles_of_t_are_scipys(freedom: int) -> None:
    for share in (0.9, 0.975, 0.995):
        assert student(share, freedom) == pytest.approx(stats.t.ppf(share, freedom), abs=2e-3)


def test_the_same_comparison_has_the_same_intervals() -> None:
    y, p = _scored()
    compared = Comparison(y, p, p[::-1].copy(), {})
    assert differences(compared, level=0.95) == differences(compared, level=0.95)


def test_a_hundred_thousand_customers_fit_into_memory() -> None:
    import tracemalloc

    y, p = _scored(100_000)
    tracemalloc.start()
    differences(Comparison(y, p, p[::-1].copy(), {}), level=0.95)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 50e6
