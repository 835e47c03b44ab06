"""The score of one customer, in log-odds and as a probability."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from churn.customer.description import Customer

Z_90 = 1.6448536269514722
TOLERANCE = 1e-9
"""Allowed difference in probability between two computations of the same scorecard."""

HALF = 0.5
"""The probability from which on a customer counts as churning (``prediction``)."""


class ModelFamily(StrEnum):
    """The families of models that can be published."""

    SCORECARD = "scorecard"
    RANDOM_FOREST = "random_forest"
    GRADIENT_BOOSTING = "gradient_boosting"

    @property
    def tolerance(self) -> float:
        """The largest difference between probabilities of one model; XGBoost has 32-bit floats."""
        return TOLERANCE if self is ModelFamily.SCORECARD else 1e-6


@dataclass(frozen=True, slots=True)
class Score:
    """The score of one customer.

    ``log_odds`` is the mean over the unknown fields and ``variance`` their variance, in log-odds²,
    averaged over customers with the same known fields; ``spread`` is this customer's own variance,
    None where that is the same. ``base`` (the average customer) and the ``contributions`` by field
    add up to ``log_odds``. ``asks`` are the unknown fields worth asking for, best first.
    """

    log_odds: float
    variance: float
    base: float
    contributions: Mapping[str, float]
    asks: Sequence[str] = ()
    scored_by: ModelFamily = ModelFamily.SCORECARD
    spread: float | None = None

    @property
    def shrunk_log_odds(self) -> float:
        """The log-odds of ``probability``: the mean, shrunk towards 0 by the variance."""
        return shrunk(self.log_odds, self.variance)

    @property
    def probability(self) -> float:
        """The probability of churning."""
        return sigmoid(self.shrunk_log_odds)

    @property
    def prediction(self) -> int:
        """1 where the customer is at least as likely to churn as to stay, else 0."""
        return int(self.probability >= HALF)

    @property
    def interval(self) -> tuple[float, float]:
        """Where the probability lies, 9 times in 10, once the unknown fields are known."""
        reach = Z_90 * math.sqrt(self.variance if self.spread is None else self.spread)
        return sigmoid(self.log_odds - reach), sigmoid(self.log_odds + reach)

    def ask_next(self, customer: Customer) -> str | None:
        """Return the unknown field that is most worth asking for, if any is."""
        return next((name for name in self.asks if name not in customer), None)


def shrunk(log_odds: float, variance: float) -> float:
    """Return the log-odds of a logistic's mean over normal log-odds, given their mean.

    Source: the probit approximation, Bishop, Pattern Recognition and Machine Learning, 4.5.2,
    equation 4.153.
    """
    return log_odds / math.sqrt(1 + math.pi * variance / 8)


def sigmoid(log_odds: float) -> float:
    """Return the probability for log-odds, without overflow."""
    if log_odds >= 0:
        return 1 / (1 + math.exp(-log_odds))
    odds = math.exp(log_odds)
    return odds / (1 + odds)
