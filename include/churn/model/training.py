"""Trains the champion's recipe on the customers and measures it."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sklearn.pipeline import Pipeline

from churn.customer import MIN_PER_CLASS
from churn.errors import DataQualityError
from churn.model.compiling import compile_scorecard, largest_difference
from churn.model.evaluation import Measured, Scores, cross_validate, majority_baseline
from churn.model.features import pipeline, target
from churn.model.scorecard import Scorecard

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Trained:
    """A fitted model in both its forms, and what is known of its quality."""

    model: Pipeline
    scorecard: Scorecard
    customers: int
    churned: int
    cross_validation: Mapping[str, Measured]
    majority_baseline: Scores
    largest_difference: float


def train(frame: "pd.DataFrame") -> Trained:
    """Measure the recipe by cross-validation, fit it on every customer and compile it.

    Raises:
        DataQualityError: too few customers who left, or who stayed, to learn from.
        ModelRefusedError: the compiled scorecard is not the fitted model.
    """
    y = target(frame)
    _require_both_classes(y.sum(), len(y) - y.sum())
    measured = cross_validate(pipeline(), frame, progress=_report)
    model = pipeline().fit(frame, y)
    scorecard = compile_scorecard(model, frame)
    difference = largest_difference(model, scorecard, frame)
    log.info("scorecard equals the scikit-learn pipeline on %s rows (%.1e)", len(y), difference)
    return Trained(
        model=model,
        scorecard=scorecard,
        customers=len(y),
        churned=int(y.sum()),
        cross_validation=measured,
        majority_baseline=majority_baseline(y),
        largest_difference=difference,
    )


def _require_both_classes(churned: "np.int64", stayed: "np.int64") -> None:
    if min(churned, stayed) < MIN_PER_CLASS:
        raise DataQualityError(
            f"{churned} customers left and {stayed} stayed; a model needs at least "
            f"{MIN_PER_CLASS} of each. Is the right file loaded?"
        )


def _report(done: int, of: int) -> None:
    if done % 5 == 0:
        log.info("cross-validation: %s of %s folds", done, of)
