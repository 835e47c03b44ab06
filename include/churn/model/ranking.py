"""Metrics of the order that scores put customers in, for many weightings of them at once.

Customers with equal scores are one step of a curve. See ``churn.model.metrics`` for the
weightings.
"""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]


class Ranked:
    """Customers by falling score; customers with equal scores count as one step of a curve."""

    def __init__(self, y: Labels, p: Floats, weights: Floats) -> None:
        order = np.argsort(-p, kind="stable")
        self.y, self.p, self.weights = y[order], p[order], weights[:, order]
        self._steps = np.flatnonzero(np.append(np.diff(self.p) != 0, [True]))

    @cached_property
    def churned(self) -> Floats:
        """Churned customers down to each step, shape (weightings, steps)."""
        return np.asarray(np.cumsum(self.weights * self.y, axis=1)[:, self._steps])

    @cached_property
    def customers(self) -> Floats:
        """Customers down to each step, shape (weightings, steps)."""
        return np.asarray(np.cumsum(self.weights, axis=1)[:, self._steps])

    @property
    def base_rate(self) -> Floats:
        """The share that churned."""
        return np.asarray(self.churned[:, -1] / self.customers[:, -1])


def roc_auc(ranked: Ranked) -> Floats:
    """Return the area under the ROC curve by trapezoids (Fawcett 2006, algorithm 2)."""
    churned, retained = ranked.churned, ranked.customers - ranked.churned
    heights = churned[:, 1:] + churned[:, :-1]
    area = (np.diff(retained) * heights).sum(axis=1) + retained[:, 0] * churned[:, 0]
    return ratio(area / 2, churned[:, -1] * retained[:, -1])


def placements(y: Labels, p: Floats, counts: Floats) -> Floats:
    """Return the share of customers with the other outcome that each is on the right side of.

    Equal scores count half, so the mean over the churned customers is the ROC-AUC (DeLong et al.
    1988, Comparing the Areas under Two or More Correlated ROC Curves). ``counts``: (customers,).
    """
    place = np.unique(p, return_inverse=True)[1]
    churned, retained = (np.bincount(place, counts * side) for side in (y, 1 - y))
    below = np.cumsum(retained) - retained / 2
    above = churned.sum() - np.cumsum(churned) + churned / 2
    right = np.where(y == 1, below[place] / retained.sum(), above[place] / churned.sum())
    return np.asarray(right)


def average_precision(ranked: Ranked) -> Floats:
    """Return the area under the precision-recall curve as scikit-learn has it.

    The sum of precision times the rise in recall, without interpolation (Manning et al. 2008,
    Introduction to Information Retrieval, 8.4).
    """
    precision = ratio(ranked.churned, ranked.customers, undefined=0.0)
    rise = np.diff(ranked.churned, axis=1, prepend=0.0)
    return ratio((precision * rise).sum(axis=1), ranked.churned[:, -1])


def precision_at(ranked: Ranked, share: float) -> Floats:
    """Return the share churned among the ``share`` of customers with the highest scores.

    Of customers with equal scores at the border a part counts, as if they came in random order.
    """
    wanted = share * ranked.customers[:, -1]
    first, hit = ranked.customers[:, 0], ranked.churned[:, 0]
    curves = zip(wanted, ranked.customers, ranked.churned, strict=True)
    further = np.array([np.interp(at, customers, churned) for at, customers, churned in curves])
    within_first = hit * ratio(wanted, first, undefined=0.0)
    return ratio(np.where(wanted < first, within_first, further), wanted)


def lift(precision: Floats, ranked: Ranked) -> Floats:
    """Return how many times the base rate a precision is.

    Ling and Li 1998, Data Mining for Direct Marketing.
    """
    return ratio(precision, ranked.base_rate)


def ratio(over: Floats, under: Floats, *, undefined: float = np.nan) -> Floats:
    """Divide, where there is something to divide by."""
    nothing = np.full(np.shape(over), undefined)
    return np.asarray(np.divide(over, under, out=nothing, where=under > 0))
