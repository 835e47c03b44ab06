"""Every metric against scikit-learn's, or against a value worked out by hand."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from churn.model import metrics, ranking
from churn.model.metrics import METRICS, Payoff
from churn.model.ranking import Floats, Labels, Ranked

Rows = tuple[Labels, Floats, Floats]


@st.composite
def scored_rows(draw: st.DrawFn) -> Rows:
    """Draw outcomes of both kinds, scores with ties, and how many customers each row stands for."""
    size = draw(st.integers(2, 60))
    y = draw(st.lists(st.integers(0, 1), min_size=size, max_size=size))
    y[:2] = [0, 1]
    p = draw(st.lists(st.integers(1, 19), min_size=size, max_size=size))
    counts = draw(st.lists(st.integers(1, 5), min_size=size, max_size=size))
    return np.array(y), np.array(p) / 20, np.array(counts, dtype=float)


def _repeated(rows: Rows) -> Rows:
    y, p, counts = rows
    times = counts.astype(int)
    return np.repeat(y, times), np.repeat(p, times), np.ones(times.sum())


def _score(rows: Rows) -> dict[str, float]:
    y, p, counts = rows
    payoff = Payoff(np.full(len(y), 30.0), 10.0)
    return {name: float(v[0]) for name, v in metrics.score(y, p, counts[None], payoff).items()}


@given(scored_rows())
def test_the_metrics_are_scikit_learns_with_weights(rows: Rows) -> None:
    y, p, counts = rows
    found = _score(rows)
    expected = {
        "accuracy": reference.accuracy_score(y, p >= 0.5, sample_weight=counts),
        "roc_auc": reference.roc_auc_score(y, p, sample_weight=counts),
        "pr_auc": reference.average_precision_score(y, p, sample_weight=counts),
        "log_loss": reference.log_loss(y, p, sample_weight=counts),
        "brier": reference.brier_score_loss(y, p, sample_weight=counts),
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected)


@given(scored_rows())
def test_a_row_that_stands_for_several_customers_counts_as_they_would(rows: Rows) -> None:
    assert _score(rows) == pytest.approx(_score(_repeated(rows)))


@given(scored_rows())
def test_the_order_of_the_rows_does_not_matter(rows: Rows) -> None:
    shuffled = np.random.default_rng(len(rows[0])).permutation(len(rows[0]))
    y, p, counts = rows
    assert _score((y[shuffled], p[shuffled], counts[shuffled])) == pytest.approx(_score(rows))


def test_many_weightings_at_once_are_each_as_if_alone() -> None:
    random = np.random.default_rng(1)
    y, p = random.integers(0, 2, 300), random.random(300)
    weights = random.integers(0, 3, (5, 300)).astype(float)
    ranked = Ranked(y, p, weights)
    for name in ("roc_auc", "average_precision"):
        together = getattr(ranking, name)(ranked)
        alone = [getattr(ranking, name)(Ranked(y, p, row[None]))[0] for row in weights]
        np.testing.assert_allclose(together, alone)


def test_the_precision_of_the_top_tenth_is_the_share_of_churned_customers_in_it() -> None:
    y = np.array([1, 1, 0, 1, *[0] * 36])
    p = np.linspace(0.9, 0.1, 40)
    ranked = Ranked(y, p, np.ones((1, 40)))
    assert ranking.precision_at(ranked, 0.10)[0] == pytest.approx(3 / 4)
    assert ranking.lift(ranking.precision_at(ranked, 0.10), ranked)[0] == pytest.approx(
        3 / 4 / (3 / 40)
    )


def test_customers_with_equal_scores_count_as_if_in_random_order() -> None:
    y, p = np.array([1, 0, 0, 0]), np.full(4, 0.3)
    assert ranking.precision_at(Ranked(y, p, np.ones((1, 4))), 0.5)[0] == pytest.approx(0.25)


def test_the_calibration_error_of_a_worked_example() -> None:
    p = np.repeat(np.arange(1, 11) / 20, 10)
    y = np.tile([1, 0, 0, 0, 0, 0, 0, 0, 0, 0], 10)
    expected = np.mean(np.abs(np.arange(1, 11) / 20 - 0.1))
    assert metrics.calibration_error(y, p, np.ones((1, 100)))[0] == pytest.approx(expected)


def test_customers_with_equal_scores_share_a_calibration_bin() -> None:
    y, p = np.array([1, 0] * 50), np.full(100, 0.5)
    assert metrics.calibration_error(y, p, np.ones((1, 100)))[0] == pytest.approx(0)


def test_the_profit_of_a_worked_example() -> None:
    y, p = np.array([1, 0, 1, 0]), np.array([0.9, 0.8, 0.1, 0.1])
    payoff = Payoff(np.array([30.0, 20.0, 90.0, 90.0]), 10.0)
    # The first two are asked: one brings 30 - 10, the other costs 10; 0.1 * 90 does not pay.
    assert metrics.profit(y, p, np.ones((1, 4)), payoff)[0] == pytest.approx((20 - 10) / 4)


def test_a_draw_without_churned_customers_has_no_ranking_and_warns_of_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = _score((np.zeros(5, dtype=np.int64), np.linspace(0.1, 0.5, 5), np.ones(5)))
    assert np.isnan(found["roc_auc"])
    assert np.isnan(found["pr_auc"])


def test_every_metric_that_is_scored_can_be_shown() -> None:
    assert set(METRICS) == set(_score((np.array([0, 1]), np.array([0.1, 0.9]), np.ones(2))))
