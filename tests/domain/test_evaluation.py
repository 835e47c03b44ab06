import numpy as np
import pytest

from churn.model.evaluation import cross_validate, folds, majority_baseline, score_metrics
from churn.model.features import pipeline, target
from tests.customer_file import customers, trained


def test_the_majority_baseline_has_the_figures_of_the_file() -> None:
    baseline = majority_baseline(target(customers()))
    expected = {
        "accuracy": 0.7346,
        "roc_auc": 0.5,
        "pr_auc": 0.2654,
        "log_loss": 0.5786,
        "brier": 0.1949,
    }
    assert {name: round(value, 4) for name, value in baseline.items()} == expected


def test_the_recipe_is_at_the_ceiling_of_this_file_and_not_above_it() -> None:
    measured = trained().cross_validation
    assert 0.849 <= measured["roc_auc"].mean <= 0.855
    assert measured["log_loss"].mean <= 0.412
    assert measured["pr_auc"].mean >= 0.668
    assert measured["brier"].mean <= 0.1335
    assert 0.80 <= measured["accuracy"].mean < 0.82


def test_the_folds_differ_as_much_as_they_do_on_this_file() -> None:
    assert 0.002 < trained().cross_validation["roc_auc"].sd < 0.02


def test_measuring_twice_gives_the_same_figures() -> None:
    frame = customers().iloc[::10]
    assert cross_validate(pipeline(), frame) == cross_validate(pipeline(), frame)


def test_every_customer_is_held_out_once_in_each_repeat() -> None:
    y = target(customers())
    held_out = np.concatenate([test for _, test in folds().split(y, y)])
    assert np.array_equal(np.bincount(held_out), np.full(len(y), 3))


def test_the_folds_are_stratified() -> None:
    y = target(customers())
    shares = [y[test].mean() for _, test in folds().split(y, y)]
    assert np.ptp(shares) < 0.002


def test_a_model_that_is_always_right_has_perfect_metrics() -> None:
    y = np.array([0, 1, 1, 0])
    measured = score_metrics(y, y.astype(float))
    assert measured == pytest.approx(
        {"accuracy": 1, "roc_auc": 1, "pr_auc": 1, "log_loss": 0, "brier": 0}, abs=1e-9
    )


def test_progress_is_told_fold_by_fold() -> None:
    told: list[tuple[int, int]] = []
    cross_validate(
        pipeline(), customers().iloc[::20], progress=lambda done, of: told.append((done, of))
    )
    assert told == [(fold, 15) for fold in range(1, 16)]
