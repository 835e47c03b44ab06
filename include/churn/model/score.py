"""What a model says of one customer, in log-odds and as a probability."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from churn.customer.description import Known

Z_90 = 1.6448536269514722
HALF = 0.5
"""The probability from which on a customer counts as churning (``prediction``)."""


class Family(StrEnum):
    """The families of models that can be published."""

    SCORECARD = "scorecard"
    RANDOM_FOREST = "random_forest"
    GRADIENT_BOOSTING = "gradient_boosting"

    @property
    def tolerance(self) -> float:
        """The largest difference between probabilities of one model; XGBoost has 32-bit floats."""
        return 1e-9 if self is Family.SCORECARD else 1e-6


@dataclass(frozen=True, slots=True)
class Score:
    """What is said of one customer.

    ``log_odds`` is the mean over what is not known and ``variance`` what is left open, in
    log-odds², on average over customers of whom the same is known; ``spread`` is that of this
    customer, None where it is no other. ``base`` (the average customer) and the ``contributions``
    by field add up to ``log_odds``. ``asks`` are the fields worth asking for, the one that tells
    most first.
    """

    log_odds: float
    variance: float
    base: float
    contributions: Mapping[str, float]
    asks: Sequence[str] = ()
    scored_by: Family = Family.SCORECARD
    spread: float | None = None

    @property
    def settled_log_odds(self) -> float:
        """The log-odds of ``probability``: the mean, drawn towards 0 by what is not known."""
        return drawn_in(self.log_odds, self.variance)

    @property
    def probability(self) -> float:
        """The probability of leaving."""
        return sigmoid(self.settled_log_odds)

    @property
    def prediction(self) -> int:
        """1 where the customer is at least as likely to churn as to stay, else 0."""
        return int(self.probability >= HALF)

    @property
    def interval(self) -> tuple[float, float]:
        """Where the probability lies, 9 times in 10, once the unknown fields are known."""
        reach = Z_90 * math.sqrt(self.variance if self.spread is None else self.spread)
        return sigmoid(self.log_odds - reach), sigmoid(self.log_odds + reach)

    def ask_next(self, known: Known) -> str | None:
        """Return the field that would tell most, if any still tells something."""
        return next((name for name in self.asks if name not in known), None)


def drawn_in(log_odds: float, variance: float) -> float:
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
