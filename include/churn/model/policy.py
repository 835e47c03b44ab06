"""The decision policy: whom to contact, by probability and monthly charges."""

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from churn.core.training_options import Economics, Objective
from churn.model.score import HALF

Floats = NDArray[np.float64]

Share = Annotated[FiniteFloat, Field(ge=0, le=1)]
PositiveShare = Annotated[FiniteFloat, Field(gt=0, le=1)]
Amount = Annotated[FiniteFloat, Field(ge=0)]


class Policy(BaseModel):
    """When it is worth contacting a customer; stored with the version.

    With the objective ``profit`` each customer has their own threshold, the cost of contacting
    divided by the gain (Elkan 2001, The Foundations of Cost-Sensitive Learning, 2.2);
    ``threshold`` is then that at the typical monthly charges. Otherwise it is the same for all. The
    economics are those of ``churn.core.training_options.Economics``; a version may lack those that
    were added later.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    objective: Objective = Objective.PROFIT
    threshold: Share = HALF
    acceptance: PositiveShare = Economics().acceptance
    months: Annotated[FiniteFloat, Field(gt=0)] = Economics().months
    cost: Amount = Economics().cost
    margin: PositiveShare = Economics().margin
    incentive: Amount = Economics().incentive
    retained_acceptance: Share = Economics().retained_acceptance
    typical_monthly_charges: Amount = 0.0

    @classmethod
    def of(cls, objective: Objective, economics: Economics) -> Self:
        """Return the policy for an objective, its threshold and typical charges not chosen yet."""
        return cls(objective=objective, **vars(economics))

    @cached_property
    def assumptions(self) -> Mapping[str, float]:
        """The economics that ``expected_profit`` rests on: assumed, not measured."""
        return {name: getattr(self, name) for name in vars(Economics())}

    @property
    def loss(self) -> float:
        """The cost of contacting a customer who would have stayed anyway."""
        return self.cost + self.retained_acceptance * self.incentive

    def contact(self, probability: float, monthly_charges: float | None = None) -> bool:
        """Whether to contact the customer; the default for charges is the typical ones."""
        if self.objective is Objective.PROFIT:
            return self.expected_profit(probability, monthly_charges) > 0
        return probability >= self.threshold

    def contacts(self, p: Floats, monthly_charges: Floats) -> NDArray[np.bool_]:
        """Return ``contact`` of many customers, shape (customers,); charges of NaN are unknown."""
        if self.objective is Objective.PROFIT:
            return self.expected_profits(p, monthly_charges) > 0
        return p >= self.threshold

    def expected_profit(self, probability: float, monthly_charges: float | None = None) -> float:
        """Return the expected profit of contacting this customer, in currency units.

        ``p a (V - i) - (1 - p) r i - c``, where the value V is margin x months x monthly charges, a
        the acceptance, i the incentive, r the acceptance by customers who would have stayed, and c
        the cost: the profit of a retention campaign (Neslin et al. 2006, Defection Detection, eq.
        1; with r = 1 as there and in Verbeke et al. 2012, New insights into churn prediction, eq.
        2) per customer. The acceptance is an assumed uplift; only a control group
        measures it.
        """
        return probability * self.gain(monthly_charges) - self.loss

    def expected_profits(self, p: Floats, monthly_charges: Floats) -> Floats:
        """Return ``expected_profit`` of many customers; charges of NaN are unknown."""
        return p * self.gains(monthly_charges) - self.loss

    def threshold_at(self, monthly_charges: float | None = None) -> float:
        """Return the probability from which on this customer is contacted."""
        if self.objective is Objective.PROFIT:
            return self.break_even(monthly_charges)
        return self.threshold

    def break_even(self, monthly_charges: float | None = None) -> float:
        """Return the probability above which contacting is profitable, at most 1."""
        gain = self.gain(monthly_charges)
        return min(1.0, self.loss / gain) if gain > 0 else 1.0

    def thresholds(self, monthly_charges: Floats) -> Floats:
        """Return ``threshold_at`` of many customers; charges of NaN are unknown."""
        if self.objective is not Objective.PROFIT:
            return np.full(len(monthly_charges), self.threshold)
        gains = self.gains(monthly_charges)
        pays = gains > 0
        with np.errstate(over="ignore"):  # a gain near 0 gives infinity, so 1
            return np.minimum(1.0, np.where(pays, self.loss / np.where(pays, gains, 1.0), 1.0))

    def gain(self, monthly_charges: float | None = None) -> float:
        """Return how much more contacting a churning customer brings than a retained one."""
        charges = self.typical_monthly_charges if monthly_charges is None else monthly_charges
        return self._worth * charges + self._shift

    def gains(self, monthly_charges: Floats) -> Floats:
        """Return ``gain`` of many customers; charges of NaN are unknown."""
        unknown = np.isnan(monthly_charges)
        charges = np.where(unknown, self.typical_monthly_charges, monthly_charges)
        return self._worth * charges + self._shift

    @property
    def _worth(self) -> float:
        return self.acceptance * self.margin * self.months

    @property
    def _shift(self) -> float:
        return (self.retained_acceptance - self.acceptance) * self.incentive


def best_f1_threshold(y: NDArray[np.int64], p: Floats, weights: Floats) -> float:
    """Return the threshold with the highest F1 on these rows.

    F1 = 2 TP / (2 TP + FP + FN) (van Rijsbergen 1979, Information Retrieval, ch. 7). Only scores
    that occur can be the best threshold, so all of them are tried.
    """
    order = np.argsort(-p, kind="stable")
    hits, predicted = np.cumsum((weights * y)[order]), np.cumsum(weights[order])
    last_of_equals = np.append(np.diff(p[order]) != 0, True)
    f1 = np.where(last_of_equals, 2 * hits / (predicted + (weights * y).sum()), -1.0)
    return float(p[order][int(np.argmax(f1))])


def policies(
    economics: Economics, *, typical_monthly_charges: float, best_f1: float
) -> Mapping[Objective, Policy]:
    """Return the policy for every objective; ``best_f1`` is from ``best_f1_threshold``."""
    typical = {"typical_monthly_charges": typical_monthly_charges}
    found = {one: Policy.of(one, economics).model_copy(update=typical) for one in Objective}
    thresholds: Mapping[Objective, float] = {
        Objective.HALF: HALF,
        Objective.BEST_F1: best_f1,
        Objective.PROFIT: found[Objective.PROFIT].break_even(),
    }
    return {
        objective: policy.model_copy(update={"threshold": thresholds[objective]})
        for objective, policy in found.items()
    }
