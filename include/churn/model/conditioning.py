"""Scores any subset of fields as well as a model trained on just that subset.

The design columns are taken as jointly normal, so the log-odds given the known ones are normal
too, with a mean and a variance by ``churn.model.gaussian``. Their weights depend only on *which*
columns are known, so each such pattern becomes a small scorecard of its own, once. Where little is
known they are anchored to what was seen (``churn.model.anchoring``).

A pattern is of columns and not of fields, as a field can be known in part: a customer whose
answer to "streaming TV?" is not "No internet service" has internet, though not which.
"""

import math
from array import array
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import combinations_with_replacement, permutations

import numpy as np
from numpy.typing import NDArray

from churn.customer.description import BY_NAME, Known
from churn.customer.implications import completed
from churn.model.anchoring import anchor
from churn.model.gaussian import Conditional, Floats, condition
from churn.model.layout import Evidence, Mask, lay_out
from churn.model.pattern import Pattern
from churn.model.score import Score
from churn.model.scorecard import Scorecard
from churn.model.what_if import Offer

MOST_PATTERNS = 8_192
"""Patterns that are kept, of the 2^19 and more that there are."""

_LEAST_TOLD = 1e-6
_DECIMALS = 10
"""Linear algebra differs in the last bits from one kernel of it to the next; scores do not."""


class Conditioner:
    """Scores customers of whom any subset of fields is known."""

    def __init__(self, scorecard: Scorecard) -> None:
        self.layout = lay_out(scorecard)
        self._weights = np.array([column.weight for column in scorecard.columns])
        self._moments = np.array(scorecard.correlation)
        self._third = _third_moments(scorecard)
        self._intercept = scorecard.intercept
        self._anchor = anchor(scorecard)
        self.pattern = lru_cache(maxsize=MOST_PATTERNS)(self._pattern)

    def score(self, known: Known) -> Score:
        """Score one customer; fields that the scorecard does not use are passed over."""
        whole = completed(known)
        return self.pattern(self.layout.evidence(whole)).score(self.layout, whole)

    def probabilities(self, rows: Iterable[Known]) -> NDArray[np.float64]:
        """Return the probability of each customer, shape (customers,)."""
        wholes = list(map(completed, rows))
        by_evidence: dict[Evidence, list[int]] = {}
        for number, whole in enumerate(wholes):
            by_evidence.setdefault(self.layout.evidence(whole), []).append(number)
        found = np.empty(len(wholes))
        for evidence, numbers in by_evidence.items():
            some = [wholes[number] for number in numbers]
            found[numbers] = self.pattern(evidence).probabilities(self.layout, some)
        return found

    def changed(self, whole: Known, offers: Sequence[Offer]) -> list[float]:
        """Return the probability of a completed customer, and then that with each offer alone."""
        return self.pattern(self.layout.evidence(whole)).changed(self.layout, whole, offers)

    def _pattern(self, evidence: Evidence) -> Pattern:
        layout = self.layout
        told = layout.told(evidence)
        given = condition(self._moments, self._weights, told)
        effective = given.effective + self._anchor.weights(given, told)
        return Pattern(
            self._intercept + round(self._anchor.shift(given), _DECIMALS),
            round(given.variance, _DECIMALS),
            self._points(effective, told),
            self._spread(given, told),
            tuple(name for name in layout.places if name in evidence),
            tuple(number for number in layout.numbers if number.field in evidence),
            tuple(part for token, part in layout.partly.items() if token in evidence),
            self._asks(evidence, told, given),
        )

    def _points(self, weights: Floats, told: Mask) -> "array[float]":
        """Return the points for the weights of the known columns."""
        effective = np.zeros(len(told))
        effective[told] = weights if told.all() else np.round(weights, _DECIMALS)
        return array("d", map(math.fsum, self.layout.design * effective))

    def _spread(self, given: Conditional, told: Mask) -> "array[float] | None":
        """Return the points of the variance, or None where it is the same for all customers.

        The squared residual e of the linear predictor is regressed on the known columns:
        ``S_KK^-1 Cov(e^2, z_K)``, by the third moments (Breusch and Pagan 1979, A Simple Test for
        Heteroscedasticity and Random Coefficient Variation).
        """
        if self._third is None or not round(given.variance, _DECIMALS):
            return None
        residual = self._weights.copy()
        residual[told] -= given.effective
        covariance = self._third @ residual @ residual
        return self._points(given.inverse @ covariance[told], told)

    def _asks(self, evidence: Evidence, told: Mask, given: Conditional) -> tuple[str, ...]:
        """Return the fields that still tell something, the one that tells most first.

        Protected attributes are never asked for.
        """
        removed = {
            name: round(given.variance_removed(self.layout.answered(name)[~told]), _DECIMALS)
            for name in self.layout.fields - evidence
            if not BY_NAME[name].protected
        }
        found = [name for name, variance in removed.items() if variance > _LEAST_TOLD]
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
