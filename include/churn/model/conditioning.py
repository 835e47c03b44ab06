"""Scores any subset of fields as well as a model trained on just that subset.

The design columns are taken as jointly normal, so the log-odds given the known ones are normal
too, with a mean and a variance by ``churn.model.gaussian``. Their weights depend only on *which*
columns are known, so each such pattern becomes a small scorecard of its own, once. Where little is
known they are anchored to the training data (``churn.model.anchoring``).

A pattern is of columns and not of fields, as a field can be known in part: a customer whose
answer to "streaming TV?" is not "No internet service" has internet, though not which.
"""

import math
from array import array
from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations_with_replacement, permutations

import numpy as np

from churn.customer.description import BY_NAME, Customer
from churn.model.anchoring import anchor
from churn.model.gaussian import Conditional, Extended, Floats, condition
from churn.model.pattern import Pattern
from churn.model.point_layout import ColumnMask, KnownMask, lay_out
from churn.model.score import Score
from churn.model.scorecard import Scorecard
from churn.model.what_if import Offer

MOST_PATTERNS = 8_192
"""Patterns that are kept, of the 2^19 and more that there are."""

_LEAST_REMOVED = 1e-6
_DECIMALS = 10
"""What ``gaussian`` computes differs less than this between kernels of linear algebra."""


class Conditioner:
    """Scores a customer from any subset of the fields."""

    def __init__(self, scorecard: Scorecard) -> None:
        self.layout = lay_out(scorecard)
        self._weights = np.array([column.weight for column in scorecard.columns])
        self._moments = np.array(scorecard.correlation)
        self._third = _third_moments(scorecard)
        self._intercept = scorecard.intercept
        self._anchor = anchor(scorecard)
        self.pattern = lru_cache(maxsize=MOST_PATTERNS)(self._pattern)

    def score(self, customer: Customer) -> Score:
        """Score one customer; fields that the scorecard does not use are passed over."""
        return self.pattern(self.layout.known_mask(customer)).score(self.layout, customer)

    def changed(self, customer: Customer, offers: Sequence[Offer]) -> list[float]:
        """Return the probability of a customer, and then that with each offer alone."""
        pattern = self.pattern(self.layout.known_mask(customer))
        return pattern.changed(self.layout, customer, offers)

    def _pattern(self, mask: KnownMask) -> Pattern:
        layout = self.layout
        is_known = layout.known_columns(mask)
        given = condition(self._moments, self._weights, is_known)
        effective = given.effective + self._anchor.weights(given, is_known)
        return Pattern(
            base=self._intercept + round(self._anchor.shift(given), _DECIMALS),
            variance=round(given.variance, _DECIMALS),
            points=self._points(effective, is_known),
            spread=self._spread(given, is_known),
            choices=tuple(name for name in layout.places if name in mask),
            numbers=tuple(number for number in layout.numbers if number.field in mask),
            partly=tuple(part for token, part in layout.partly.items() if token in mask),
            asks=self._asks(mask, is_known, given),
        )

    def _points(self, weights: Extended, is_known: ColumnMask) -> "array[float]":
        """Return the points for the weights of the known columns."""
        effective = np.zeros(len(is_known))
        effective[is_known] = weights if is_known.all() else np.round(weights, _DECIMALS)
        return array("d", map(math.fsum, self.layout.design * effective))

    def _spread(self, given: Conditional, is_known: ColumnMask) -> "array[float] | None":
        """Return the points of the variance, or None where it is the same for all customers.

        The squared residual e of the linear predictor is regressed on the known columns:
        ``S_KK^-1 Cov(e^2, z_K)``, by the third moments (Breusch and Pagan 1979, A Simple Test for
        Heteroscedasticity and Random Coefficient Variation).
        """
        if self._third is None or not round(given.variance, _DECIMALS):
            return None
        residual = self._weights.astype(np.longdouble)
        residual[is_known] -= given.effective
        covariance = self._third @ residual @ residual
        return self._points(given.inverse @ covariance[is_known], is_known)

    def _asks(self, mask: KnownMask, is_known: ColumnMask, given: Conditional) -> tuple[str, ...]:
        """Return the unknown fields that lower the variance, the one that lowers it most first.

        Protected attributes are never requested.
        """
        removed = {
            name: round(given.variance_removed(self.layout.answered(name)[~is_known]), _DECIMALS)
            for name in self.layout.fields - mask
            if not BY_NAME[name].protected
        }
        found = [name for name, variance in removed.items() if variance > _LEAST_REMOVED]
        return tuple(sorted(found, key=lambda name: (-removed[name], name)))


def _third_moments(scorecard: Scorecard) -> Floats | None:
    """Return the third moments in full, shape (columns, columns, columns), where there are any."""
    if not scorecard.third_moments:
        return None
    size = len(scorecard.columns)
    places = np.array(list(combinations_with_replacement(range(size), 3))).T
    full = np.empty((size, size, size))
    for order in permutations(places):
        full[order] = scorecard.third_moments
    return full
