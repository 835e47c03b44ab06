"""Where few fields are known, scores are anchored to the training data.

Given few fields the log-odds are far from normal, and conditioning alone misses by a little what a
model of just those fields would fit exactly: the base rate, and each column's association with
churn. For weak associations such a model is the first Fisher scoring step from the base rate r,
``S_KK^-1 c_K / (r (1 - r))`` with ``c = Cov(z, y)`` (McCullagh and Nelder, Generalized Linear
Models, 2.5). The anchor is the difference of that from the conditional weights. It fades with the
share of the variance that is left, so that a customer with every field known is scored exactly.
"""

import math
from dataclasses import dataclass

import numpy as np

from churn.model.gaussian import Conditional, Extended, Mask
from churn.model.score import shrunk
from churn.model.scorecard import Scorecard


@dataclass(frozen=True)
class Anchor:
    """What to add where no field is known: to the base, and to Cov(z, log-odds) per column.

    ``variance`` is that of the log-odds while no field is known.
    """

    base: float
    covariance: Extended
    variance: float

    def weights(self, given: Conditional, is_known: Mask) -> Extended:
        """Return what to add to the known columns' weights."""
        return self._share(given) * (given.inverse @ self.covariance[is_known])

    def shift(self, given: Conditional) -> float:
        """Return what to add to the base."""
        return self._share(given) * self.base

    def _share(self, given: Conditional) -> float:
        return given.variance / self.variance if self.variance else 0.0


def anchor(scorecard: Scorecard) -> Anchor:
    """Return a scorecard's anchor; without a base rate, one that has no effect."""
    weights = np.array([column.weight for column in scorecard.columns])
    conditional = np.array(scorecard.correlation, dtype=np.longdouble) @ weights
    variance = float(weights @ conditional)
    rate = scorecard.base_rate
    if rate is None:
        return Anchor(0.0, np.zeros(len(weights)), variance)
    covariances = np.array([column.outcome_covariance for column in scorecard.columns])
    shrink = shrunk(1.0, variance)
    return Anchor(
        base=math.log(rate / (1 - rate)) / shrink - scorecard.intercept,
        covariance=covariances / (rate * (1 - rate) * shrink) - conditional,
        variance=variance,
    )
