"""Measures a model on customers it has not seen."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    brier_score_loss,
    log_loss,
    roc_auc_score,
)
from sklearn.model_selection import RepeatedStratifiedKFold

from churn.model.features import probabilities, target

if TYPE_CHECKING:
    import pandas as pd

FOLDS = 5
REPEATS = 3
SEED = 20_260_101
THRESHOLD = 0.5

Scores = Mapping[str, float]


@dataclass(frozen=True)
class Measured:
    """A metric over the folds."""

    mean: float
    sd: float


def score_metrics(y: NDArray[np.int64], p: NDArray[np.float64]) -> Scores:
    """Return every metric of probabilities ``p`` against outcomes ``y``, shape (customers,)."""
    return {
        "accuracy": float(accuracy_score(y, p >= THRESHOLD)),
        "roc_auc": float(roc_auc_score(y, p)),
        "pr_auc": float(average_precision_score(y, p)),
        "log_loss": float(log_loss(y, p)),
        "brier": float(brier_score_loss(y, p)),
    }


def majority_baseline(y: NDArray[np.int64]) -> Scores:
    """Return the metrics of giving everybody the base rate."""
    return score_metrics(y, np.full(len(y), y.mean()))


def folds() -> RepeatedStratifiedKFold:
    """Return the splits that every model is measured on."""
    return RepeatedStratifiedKFold(n_splits=FOLDS, n_repeats=REPEATS, random_state=SEED)


def cross_validate(
    model: Any,
    frame: "pd.DataFrame",
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Mapping[str, Measured]:
    """Return each metric's mean and standard deviation over repeated stratified folds."""
    y = target(frame)
    results: list[Scores] = []
    for train, test in folds().split(frame, y):
        fitted = clone(model).fit(frame.iloc[train], y[train])
        results.append(score_metrics(y[test], probabilities(fitted, frame.iloc[test])))
        if progress:
            progress(len(results), FOLDS * REPEATS)
    return {name: _measured([r[name] for r in results]) for name in results[0]}


def _measured(values: list[float]) -> Measured:
    return Measured(float(np.mean(values)), float(np.std(values, ddof=1)))
