"""Figures of labelled predictions, estimates without labels, and recalibration."""

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics
from sklearn.linear_model import LogisticRegression

from churn.core.training_options import Economics, Objective
from churn.model.policy import Policy
from churn.monitoring.calibration import log_odds, recalibrate
from churn.monitoring.estimated import ESTIMATED, estimate, measure
from churn.monitoring.performance import Predictions, perform
from churn.monitoring.reference import (
    SCORE_BINS,
    ScoreReference,
    bin_centres,
    score_bins,
)

POLICY = Policy.of(Objective.PROFIT, Economics())


def predictions(size: int = 3_000, seed: int = 1) -> Predictions:
    random = np.random.default_rng(seed)
    p = random.beta(1, 3, size)
    charges = random.uniform(20, 110, size)
    return Predictions(
        p,
        (random.random(size) < p).astype(np.int8),
        POLICY.contacts(p, charges),
        np.zeros(size, np.int8),
        charges,
    )


def score_reference(found: Predictions) -> ScoreReference:
    bins = score_bins(found.p)
    return ScoreReference(
        customers=tuple(np.bincount(bins, minlength=SCORE_BINS).tolist()),
        churned=tuple(np.bincount(bins, found.label, SCORE_BINS).astype(int).tolist()),
    )


def test_the_figures_are_those_of_scikit_learn() -> None:
    found = predictions()
    figures = perform(found, POLICY).figures
    y, p = found.label, found.p
    expected = {
        "roc_auc": sklearn_metrics.roc_auc_score(y, p),
        "pr_auc": sklearn_metrics.average_precision_score(y, p),
        "log_loss": sklearn_metrics.log_loss(y, p),
        "brier": sklearn_metrics.brier_score_loss(y, p),
        "churn_rate": y.mean(),
        "precision_advised": sklearn_metrics.precision_score(y, found.advised),
    }
    for name, value in expected.items():
        assert figures[name].value == pytest.approx(value), name
        assert figures[name].low < value < figures[name].high


def test_profit_is_what_the_policy_expects_and_what_the_outcomes_bring() -> None:
    found = predictions()
    figures = perform(found, POLICY).figures
    chosen = found.take(found.advised)
    expected = POLICY.expected_profits(chosen.p, chosen.monthly_charges).mean()
    gains = POLICY.gains(chosen.monthly_charges)
    assert figures["profit_promised"].value == pytest.approx(expected)
    assert figures["profit_realised"].value == pytest.approx(
        (chosen.label * gains - POLICY.loss).mean()
    )


@pytest.mark.parametrize("name", ["roc_auc", "pr_auc", "log_loss", "brier", "calibration_slope"])
def test_intervals_hold_the_figure_of_a_large_sample(name: str) -> None:
    true = perform(predictions(300_000, 999), POLICY).figures[name].value
    held = [
        one.low <= true <= one.high
        for one in (perform(predictions(1_000, seed), POLICY).figures[name] for seed in range(60))
    ]
    assert sum(held) >= 51, "19 of 20 on average; fewer than 51 of 60 once in 10,000"


def test_contacted_customers_are_apart() -> None:
    found = predictions()
    contacted = np.where(np.arange(3_000) % 3 == 0, 1, np.where(np.arange(3_000) % 3 == 1, 0, -1))
    split = Predictions(**{**vars(found), "contacted": contacted.astype(np.int8)})
    performance = perform(split, POLICY)
    for part, code in ((performance.contacted, 1), (performance.not_contacted, 0)):
        rows = contacted == code
        expected = sklearn_metrics.roc_auc_score(found.label[rows], found.p[rows])
        assert part["roc_auc"].value == pytest.approx(expected)


def test_coverage_shows_where_outcomes_are_missing() -> None:
    found = predictions()
    label = np.where(found.p > 0.3, found.label, -1).astype(np.int8)
    performance = perform(Predictions(**{**vars(found), "label": label}), POLICY)
    assert [one.labelled for one in performance.coverage][:5] == [0] * 5
    assert performance.coverage[-1].labelled == performance.coverage[-1].predictions
    assert sum(one.predictions for one in performance.coverage) == 3_000
    assert performance.is_selective
    assert not perform(found, POLICY).is_selective


@pytest.mark.parametrize("label", [0, 1, -1])
def test_outcomes_that_are_all_the_same_give_no_figures(label: int) -> None:
    found = predictions(200)
    same = Predictions(**{**vars(found), "label": np.full(200, label, np.int8)})
    assert perform(same, POLICY).figures == {}


def test_few_labels_give_no_figures_and_none_no_error() -> None:
    assert perform(predictions(49), POLICY).figures == {}
    assert perform(predictions(0), POLICY).predictions == 0


def test_recalibration_is_the_logistic_regression_of_scikit_learn() -> None:
    found = predictions()
    x = log_odds(found.p)
    expected = LogisticRegression(C=1e12, tol=1e-10, max_iter=1_000).fit(x[:, None], found.label)
    one = recalibrate(found.p, found.label.astype(float), np.ones(3_000))
    assert one is not None
    assert one.intercept == pytest.approx(expected.intercept_[0], abs=1e-4)
    assert one.slope == pytest.approx(expected.coef_[0, 0], abs=1e-4)


def test_the_errors_of_a_recalibration_are_those_of_repeated_samples() -> None:
    found = [predictions(2_000, seed) for seed in range(200)]
    fits = [recalibrate(one.p, one.label.astype(float), np.ones(2_000)) for one in found]
    slopes = np.array([fit.slope for fit in fits if fit])
    assert fits[0] is not None
    assert np.std(slopes) == pytest.approx(fits[0].errors[1], rel=0.2)


def test_outcomes_that_the_score_separates_cannot_be_recalibrated() -> None:
    p = np.linspace(0.1, 0.9, 100)
    assert recalibrate(p, (p > 0.5).astype(float), np.ones(100)) is None


def test_the_estimate_of_calibrated_scores_is_near_the_truth() -> None:
    found, other = predictions(20_000, 1), predictions(5_000, 2)
    figures = estimate(
        np.bincount(score_bins(other.p), minlength=SCORE_BINS), score_reference(found)
    ).figures
    assert set(figures) == set(ESTIMATED)
    expected = sklearn_metrics.roc_auc_score(other.label, other.p)
    assert figures["roc_auc"].low < expected < figures["roc_auc"].high
    assert figures["log_loss"].value == pytest.approx(
        sklearn_metrics.log_loss(other.label, other.p), abs=0.02
    )


def test_counted_scores_have_the_metrics_of_single_ones() -> None:
    found = predictions()
    bins = score_bins(found.p)
    customers = np.bincount(bins, minlength=SCORE_BINS)
    churned = np.bincount(bins, found.label, SCORE_BINS).astype(int)
    one = measure(bin_centres(), churned[None], customers)
    rounded = bin_centres()[bins]
    expected = sklearn_metrics.roc_auc_score(found.label, rounded)
    assert one["roc_auc"][0] == pytest.approx(expected)
    assert one["brier"][0] == pytest.approx(sklearn_metrics.brier_score_loss(found.label, rounded))


def test_no_predictions_give_no_estimate_but_a_reason() -> None:
    found = estimate(np.zeros(SCORE_BINS, int), score_reference(predictions()))
    assert found.figures == {}
    assert found.unknowable == "there are no predictions"
