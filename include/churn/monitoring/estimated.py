"""Estimates how well a version does before outcomes are known, from its scores alone.

If scores are calibrated, they state how often each customer churns, and with that every metric
(confidence-based performance estimation). How far they may be from calibrated is known from
training: the intercept and slope of a recalibration of the out-of-fold scores, with their
covariance. Outcomes are drawn many times, each time with an intercept and a slope that are drawn,
too; the interval holds both the chance of outcomes and the calibration's error.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from churn.model.bootstrap import Figure
from churn.model.metrics import brier, log_loss
from churn.model.ranking import Floats, Ranked, average_precision, roc_auc
from churn.model.recipe import SEED
from churn.monitoring.calibration import Recalibration, log_odds, recalibrate
from churn.monitoring.reference import Integers, ScoreReference, bin_centres

ESTIMATED: Final = ("roc_auc", "pr_auc", "log_loss", "brier", "churn_rate")
MOST_OUTSIDE: Final = 0.02
"""With a larger share of rows beyond what training had, performance cannot be known."""
_DRAWS: Final = 400
_QUANTILES: Final = (0.05, 0.95)


@dataclass(frozen=True)
class Estimate:
    """Each metric with its 90 % interval; ``unknowable`` states why there is none, if so."""

    figures: Mapping[str, Figure]
    unknowable: str | None = None


def estimate(score: Integers, reference: ScoreReference, *, seed: int = SEED) -> Estimate:
    """Estimate the metrics of predictions, which ``score`` counts in the reference's 1,000 bins."""
    centres = bin_centres()
    trained = recalibrate(centres, np.array(reference.churned), np.array(reference.customers))
    if trained is None:
        return Estimate({}, "the calibration in training is not known")
    filled = np.flatnonzero(score)
    if not len(filled):
        return Estimate({}, "there are no predictions")
    figures = _figures(centres[filled], score[filled], trained, np.random.default_rng(seed))
    return Estimate(figures)


def _figures(
    p: Floats, customers: Integers, trained: Recalibration, random: np.random.Generator
) -> dict[str, Figure]:
    drawn = random.multivariate_normal(
        (trained.intercept, trained.slope), trained.covariance, _DRAWS
    )
    truth = 1 / (1 + np.exp(-(drawn[:, :1] + drawn[:, 1:] * log_odds(p))))
    churned = random.binomial(customers, truth)
    metrics = measure(p, churned, customers)
    return {name: _figure(metrics[name]) for name in ESTIMATED}


def measure(p: Floats, churned: Integers, customers: Integers) -> dict[str, Floats]:
    """Return the metrics of scores, for many draws of how many churned, shape (draws, scores)."""
    y = np.repeat(np.array([1, 0]), len(p))
    scores = np.tile(p, 2)
    weights = np.hstack([churned, customers - churned]).astype(float)
    ranked = Ranked(y, scores, weights)
    return {
        "roc_auc": roc_auc(ranked),
        "pr_auc": average_precision(ranked),
        "log_loss": log_loss(y, scores, weights),
        "brier": brier(y, scores, weights),
        "churn_rate": ranked.base_rate,
    }


def _figure(draws: Floats) -> Figure:
    finite = draws[np.isfinite(draws)]
    if not len(finite):
        return Figure(float("nan"), float("nan"), float("nan"))
    low, high = np.quantile(finite, _QUANTILES)
    return Figure(float(finite.mean()), float(low), float(high))
