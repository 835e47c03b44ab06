"""Metrics of scores against outcomes, for many weightings of the same customers at once.

``weights`` has shape (weightings, customers): how many customers each row stands for. The first row
may be the customers themselves and the others bootstrap draws of them, so that a metric and its
replicates are one computation. Every function returns one number per weighting.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from churn.model.ranking import (
    Floats,
    Labels,
    Ranked,
    average_precision,
    lift,
    precision_at,
    ratio,
    roc_auc,
)
from churn.model.score import HALF

BINS: Final = 10
TOP_PERCENTS: Final = (5, 10, 20)
_CLIP: Final = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class MetricDisplay:
    """How a metric is shown, and what it cannot be beyond."""

    title: str
    decimals: int = 4
    lowest: float = 0.0
    highest: float = math.inf


METRICS: Final[Mapping[str, MetricDisplay]] = {
    "accuracy": MetricDisplay("accuracy at .5", highest=1.0),
    "roc_auc": MetricDisplay("ROC-AUC", highest=1.0),
    "pr_auc": MetricDisplay("PR-AUC", highest=1.0),
    "log_loss": MetricDisplay("log-loss"),
    "brier": MetricDisplay("Brier score", highest=1.0),
    "calibration_error": MetricDisplay("calibration error", highest=1.0),
    "precision_at_5": MetricDisplay("precision in the top 5 %", highest=1.0),
    "precision_at_10": MetricDisplay("precision in the top 10 %", highest=1.0),
    "precision_at_20": MetricDisplay("precision in the top 20 %", highest=1.0),
    "lift_at_5": MetricDisplay("lift in the top 5 %", 2),
    "lift_at_10": MetricDisplay("lift in the top 10 %", 2),
    "lift_at_20": MetricDisplay("lift in the top 20 %", 2),
    "profit": MetricDisplay("profit per customer", 2, lowest=-math.inf),
}
"""Every metric of a version, in the order in which they are shown."""


@dataclass(frozen=True)
class Payoff:
    """What contacting each customer brings (currency units), and who is contacted.

    ``gain`` is by how much a churning customer brings more than a retained one, who costs ``cost``.
    Customers are contacted from ``threshold`` on, or if None where profit is expected.
    """

    gain: Floats
    cost: float
    threshold: float | None = None

    def take(self, rows: NDArray[np.intp]) -> "Payoff":
        """Return the payoff of some of the customers."""
        return Payoff(self.gain[rows], self.cost, self.threshold)

    def contacts(self, p: Floats) -> NDArray[np.bool_]:
        """Return whom to contact by their scores."""
        if self.threshold is None:
            return p * self.gain > self.cost
        return p >= self.threshold

    def realised(self, y: Labels) -> Floats:
        """Return what contacting each customer brings, their outcome known."""
        return y * self.gain - self.cost


def calibration_bins(p: Floats, weights: Floats) -> NDArray[np.intp]:
    """Return the first row of each of 10 bins of equally many customers, rows sorted by score.

    Customers with equal scores share a bin.
    """
    size = np.cumsum(weights)
    cuts = np.searchsorted(size, size[-1] * np.arange(1, BINS) / BINS)
    starts = np.searchsorted(-p, -p[cuts], side="left")
    return np.unique(np.append(0, starts))


def calibration_error(y: Labels, p: Floats, weights: Floats) -> Floats:
    """Return the expected calibration error.

    Naeini et al. 2015, Obtaining Well Calibrated Probabilities Using Bayesian Binning: scores are
    sorted into 10 bins of equally many customers; the mean of |share churned - mean score|.
    """
    gap = _calibration_gap(weights * y, weights * p, p, weights[0])
    return np.asarray(gap / weights.sum(axis=1))


def calibrated_error(churned: Floats, p: Floats, weights: Floats) -> Floats:
    """Return the calibration error for outcomes drawn from ``p`` itself: its noise floor.

    ``churned`` has a row of churned customers per draw, ``weights`` the shape (customers,). See
    Broecker and Smith 2007, Increasing the Reliability of Reliability Diagrams.
    """
    return np.asarray(_calibration_gap(churned, weights * p, p, weights) / weights.sum())


def _calibration_gap(churned: Floats, expected: Floats, p: Floats, weights: Floats) -> Floats:
    order = np.argsort(-p, kind="stable")
    starts = calibration_bins(p[order], weights[order])
    gaps = np.add.reduceat((churned - expected)[:, order], starts, axis=1)
    return np.asarray(np.abs(gaps).sum(axis=1))


def log_loss(y: Labels, p: Floats, weights: Floats) -> Floats:
    """Return the mean negative log-likelihood (Good 1952, Rational Decisions)."""
    return mean(losses(y, p), weights)


def losses(y: Labels, p: Floats) -> Floats:
    """Return each customer's negative log-likelihood."""
    clipped = np.clip(p, _CLIP, 1 - _CLIP)
    return np.asarray(-np.where(y == 1, np.log(clipped), np.log1p(-clipped)))


def brier(y: Labels, p: Floats, weights: Floats) -> Floats:
    """Return the mean squared error of the probability (Brier 1950)."""
    return mean((p - y) ** 2, weights)


def accuracy(y: Labels, p: Floats, weights: Floats) -> Floats:
    """Return the share of customers on the right side of one half."""
    return mean(((p >= HALF) == y).astype(float), weights)


def profit(y: Labels, p: Floats, weights: Floats, payoff: Payoff) -> Floats:
    """Return the profit per customer of contacting those whom the decision policy chooses.

    Realised by who churned, not expected (``Policy.expected_profit`` has the formula).
    """
    return mean(payoff.contacts(p) * payoff.realised(y), weights)


def score(y: Labels, p: Floats, weights: Floats, payoff: Payoff) -> dict[str, Floats]:
    """Return every metric, by name, each of shape (weightings,)."""
    ranked = Ranked(y, p, weights)
    found = {percent: precision_at(ranked, percent / 100) for percent in TOP_PERCENTS}
    precisions = {f"precision_at_{percent}": precision for percent, precision in found.items()}
    lifts = {f"lift_at_{percent}": lift(precision, ranked) for percent, precision in found.items()}
    return {
        "accuracy": accuracy(y, p, weights),
        "roc_auc": roc_auc(ranked),
        "pr_auc": average_precision(ranked),
        "log_loss": log_loss(y, p, weights),
        "brier": brier(y, p, weights),
        "calibration_error": calibration_error(y, p, weights),
        **precisions,
        **lifts,
        "profit": profit(y, p, weights, payoff),
    }


def mean(values: Floats, weights: Floats) -> Floats:
    """Return the weighted mean; NaN where the weights are 0."""
    return ratio(weights @ values, weights.sum(axis=1))
