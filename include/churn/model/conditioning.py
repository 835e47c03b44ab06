"""Scores any subset of fields as well as a model trained on just that subset.

With the standardised columns z split into known K and missing M, and z taken as jointly normal,
the log-odds given z_K have mean ``b + (w_K + A' w_M) z_K`` with ``A = S_MK S_KK^-1`` and variance
``v = w_M' (S_MM - A S_KM) w_M`` (Bishop, Pattern Recognition and Machine Learning, 2.3.1); the
probability is the probit approximation ``sigmoid(mean / sqrt(1 + pi v / 8))`` (Bishop 4.5.2).
A and v depend only on which fields are known, so each pattern becomes a small scorecard once.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from churn import customer
from churn.customer import TOTAL_CHARGES, Known
from churn.field import Value
from churn.model.columns import DesignColumn
from churn.model.scorecard import Scorecard

INTERVAL_LEVEL = 0.90
_Z_90 = 1.6448536269514722
_MOST_PATTERNS = 65_536


@dataclass(frozen=True)
class Score:
    """What is said of one customer. ``log_odds`` is the mean over what is not known."""

    log_odds: float
    variance: float
    contributions: Mapping[str, float]

    @property
    def probability(self) -> float:
        """The probability of leaving."""
        return sigmoid(self.log_odds / math.sqrt(1 + math.pi * self.variance / 8))

    @property
    def interval(self) -> tuple[float, float]:
        """Where the probability lies, 9 times in 10, once the unknown fields are known."""
        reach = _Z_90 * math.sqrt(self.variance)
        return sigmoid(self.log_odds - reach), sigmoid(self.log_odds + reach)


@dataclass(frozen=True)
class Line:
    """A number's contribution: ``slope * transform(x) + offset``."""

    design: DesignColumn
    slope: float
    offset: float

    def at(self, value: Value) -> float:
        """Return the contribution in log-odds."""
        return self.slope * self.design.of(value) + self.offset


@dataclass(frozen=True)
class PatternScorer:
    """The scorecard for one set of known fields: table look-ups and a few lines."""

    intercept: float
    variance: float
    tables: Mapping[str, Mapping[Value, float]]
    lines: Mapping[str, Line]

    def score(self, known: Known) -> Score:
        """Score a customer of whom exactly the pattern's fields are known."""
        contributions = {name: table[known[name]] for name, table in self.tables.items()}
        for name, line in self.lines.items():
            contributions[name] = line.at(known[name])
        total = self.intercept + sum(contributions.values())
        return Score(total, self.variance, contributions)


class Conditioner:
    """Scores customers of whom any subset of fields is known."""

    def __init__(self, scorecard: Scorecard) -> None:
        self._scorecard = scorecard
        self._weights = np.array([column.weight for column in scorecard.columns])
        self._moments = np.array(scorecard.correlation)
        self.pattern = lru_cache(maxsize=_MOST_PATTERNS)(self._pattern)

    def score(self, known: Known) -> Score:
        """Score one customer; fields that the scorecard does not use are passed over."""
        fields = self._scorecard.fields.intersection(known)
        # Nothing billed yet says no more than tenure 0 does; as an amount it is far off the others.
        if known.get(TOTAL_CHARGES.name) == 0:
            fields -= {TOTAL_CHARGES.name}
        return self.pattern(fields).score(known)

    def _pattern(self, fields: frozenset[str]) -> PatternScorer:
        is_known = np.array([column.field in fields for column in self._scorecard.columns])
        weights, variance = condition(self._moments, self._weights, is_known)
        tables: dict[str, dict[Value, float]] = {}
        lines: dict[str, Line] = {}
        known = [c for c in self._scorecard.columns if c.field in fields]
        for column, weight in zip(known, map(float, weights), strict=True):
            field, slope = customer.BY_NAME[column.field], weight / column.scale
            if field.is_number:
                lines[field.name] = Line(column.design, slope, -slope * column.mean)
                continue
            table = tables.setdefault(field.name, dict.fromkeys(field.values, 0.0))
            for value in field.values:
                table[value] += weight * column.standardised(value)
        return PatternScorer(self._scorecard.intercept, variance, tables, lines)


def condition(
    moments: NDArray[np.float64], weights: NDArray[np.float64], is_known: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], float]:
    """Return the effective weights of the known columns and the variance left, in log-odds²."""
    w_known, w_missing = weights[is_known], weights[~is_known]
    if not w_missing.any():
        return w_known, 0.0
    s_known_missing = moments[np.ix_(is_known, ~is_known)]
    s_missing = moments[np.ix_(~is_known, ~is_known)]
    s_known = moments[np.ix_(is_known, is_known)]
    # The pseudo-inverse, as columns that never vary in the training data leave rows of zeros.
    transfer = np.linalg.pinv(s_known, rcond=1e-10, hermitian=True) @ s_known_missing
    variance = w_missing @ (s_missing - s_known_missing.T @ transfer) @ w_missing
    return w_known + transfer @ w_missing, max(0.0, float(variance))


def sigmoid(log_odds: float) -> float:
    """Return the probability for log-odds, without overflow."""
    if log_odds >= 0:
        return 1 / (1 + math.exp(-log_odds))
    odds = math.exp(log_odds)
    return odds / (1 + odds)
