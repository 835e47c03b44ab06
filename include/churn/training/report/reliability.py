"""The reliability diagram's dots, and where the dots of a perfectly calibrated model would lie."""

from dataclasses import dataclass

import numpy as np

from churn.model.metrics import calibration_bins
from churn.model.ranking import Floats, Labels


@dataclass(frozen=True)
class Bin:
    """Customers with similar scores: a tenth of all.

    ``lowest`` and ``highest`` bound the share churned 19 times in 20, if the scores are true:
    the consistency bars of Broecker and Smith 2007, Increasing the Reliability of Reliability
    Diagrams.
    """

    mean_score: float
    churn_rate: float
    lowest: float
    highest: float


def reliability(y: Labels, p: Floats, weights: Floats, *, draws: int, seed: int) -> tuple[Bin, ...]:
    """Return the bins by rising score."""
    order = np.argsort(-p, kind="stable")
    y, p, weights = y[order], p[order], weights[order]
    starts = calibration_bins(p, weights)
    size = np.add.reduceat(weights, starts)
    drawn = np.random.default_rng(seed).random((draws, len(p))) < p
    rates = np.add.reduceat(drawn * weights, starts, axis=1) / size
    lowest, highest = np.quantile(rates, [0.025, 0.975], axis=0)
    predicted = np.add.reduceat(weights * p, starts) / size
    churned = np.add.reduceat(weights * y, starts) / size
    bins = zip(predicted, churned, lowest, highest, strict=True)
    return tuple(Bin(*map(float, one)) for one in bins)[::-1]
