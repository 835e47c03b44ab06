import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn import metrics

from churn.model.metrics import log_loss
from churn.model.ranking import Ranked, roc_auc
from churn.registry.bootstrap import Comparison, differences

DRAWS = 1_000


def _scored(rows: int = 600, seed: int = 0) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return outcomes, and the probabilities that they were drawn with."""
    rng = np.random.default_rng(seed)
    p = np.clip(rng.beta(1, 3, size=rows), 0.001, 0.9)
    return (rng.random(rows) < p).astype(np.int64), p


@given(st.integers(0, 10_000), st.sampled_from([1, 2, 16]))
def test_both_metrics_are_scikit_learns_with_weights_and_ties(seed: int, decimals: int) -> None:
    y, p = _scored(80, seed)
    p = np.clip(np.round(p, decimals), 0, 1)
    counts = np.random.default_rng(seed).integers(0, 5, size=(3, 80)).astype(float)
    counts[:, [int(y.argmax()), int(y.argmin())]] += 1
    expected = [metrics.roc_auc_score(y, p, sample_weight=row) for row in counts]
    assert roc_auc(Ranked(y, p, counts)) == pytest.approx(expected, abs=1e-12)
    expected = [metrics.log_loss(y, p, sample_weight=row) for row in counts]
    assert log_loss(y, p, counts) == pytest.approx(expected, abs=1e-12)


def test_the_interval_of_the_mean_loss_is_that_of_the_normal_approximation() -> None:
    y, p = _scored(4_000)
    other = p + 0.05
    found = differences(Comparison(y, p, other, {}), replicates=DRAWS, level=0.95, seed=1)
    paired = -np.where(y == 1, np.log(other / p), np.log((1 - other) / (1 - p)))
    reach = 1.96 * paired.std() / np.sqrt(len(y))
    assert found["log_loss"].mean == pytest.approx(paired.mean())
    assert found["log_loss"].low == pytest.approx(paired.mean() - reach, abs=0.1 * reach)
    assert found["log_loss"].high == pytest.approx(paired.mean() + reach, abs=0.1 * reach)


def test_a_paired_interval_is_far_narrower_than_that_of_each_model() -> None:
    y, p = _scored()
    near = np.clip(p * 1.02, 0, 1)
    pair = differences(Comparison(y, p, near, {}), replicates=DRAWS, level=0.95, seed=1)
    coin = np.full(len(y), 0.5)
    alone = differences(Comparison(y, coin, near, {}), replicates=DRAWS, level=0.95, seed=1)
    widths = [d["log_loss"].high - d["log_loss"].low for d in (pair, alone)]
    assert widths[0] < widths[1] / 20


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    covered = 0
    truth_y, truth_p = _scored(200_000, seed=99)
    worse = np.clip(truth_p * 0.8 + 0.05, 0, 1)
    ones = np.ones((1, len(truth_y)))
    truth = log_loss(truth_y, worse, ones)[0] - log_loss(truth_y, truth_p, ones)[0]
    for seed in range(200):
        y, p = _scored(300, seed)
        compared = Comparison(y, p, np.clip(p * 0.8 + 0.05, 0, 1), {})
        found = differences(compared, replicates=300, level=0.9, seed=seed)["log_loss"]
        covered += found.low <= truth <= found.high
    assert 0.84 <= covered / 200 <= 0.95


def test_a_row_of_weight_three_is_as_good_as_three_rows() -> None:
    y, p = _scored(300)
    other = np.clip(p + 0.03, 0, 1)
    weights = np.random.default_rng(5).integers(1, 4, size=300)
    packed = Comparison(y, p, other, {}, weights.astype(float))
    rows = np.repeat(np.arange(len(y)), weights)
    unpacked = Comparison(y[rows], p[rows], other[rows], {})
    found = [differences(c, replicates=4_000, level=0.95, seed=2) for c in (packed, unpacked)]
    for metric in ("log_loss", "roc_auc"):
        one, two = (each[metric] for each in found)
        assert one.mean == pytest.approx(two.mean)
        reach = two.high - two.low
        assert (one.low, one.high) == pytest.approx((two.low, two.high), abs=0.05 * reach)


def test_the_same_question_gets_the_same_answer() -> None:
    y, p = _scored()
    compared = Comparison(y, p, p[::-1].copy(), {})
    ask = {"replicates": 50, "level": 0.95}
    assert differences(compared, **ask, seed=3) == differences(compared, **ask, seed=3)  # type: ignore[arg-type]


def test_many_rows_are_drawn_in_parts_that_fit_into_memory() -> None:
    import tracemalloc

    y, p = _scored(200_000)
    tracemalloc.start()
    differences(Comparison(y, p, p[::-1].copy(), {}), replicates=60, level=0.95, seed=3)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 500e6
