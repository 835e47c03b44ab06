"""What follows from a probability: whom to ask to stay. Needs neither pandas nor scikit-learn."""

from collections.abc import Mapping
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from churn.options import Economics, Objective

Floats = NDArray[np.float64]
HALF = 0.5


class Policy(BaseModel):
    """When a customer counts as leaving; stored with the version.

    With the objective ``profit`` each customer has a threshold of their own, the cost of asking
    over what is won if they stay (Elkan 2001, The Foundations of Cost-Sensitive Learning, 2.2);
    ``threshold`` is then the one at the typical bill. Otherwise it is everybody's.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    objective: Objective = Objective.HALF
    threshold: Annotated[FiniteFloat, Field(ge=0, le=1)] = HALF
    acceptance: Annotated[FiniteFloat, Field(gt=0, le=1)] = Economics().acceptance
    months: Annotated[FiniteFloat, Field(gt=0)] = Economics().months
    cost: Annotated[FiniteFloat, Field(ge=0)] = Economics().cost
    typical_monthly_charges: Annotated[FiniteFloat, Field(ge=0)] = 0.0

    def decide(self, probability: float, monthly_charges: float | None = None) -> bool:
        """Whether to treat the customer as leaving; an unknown bill is taken as the typical one."""
        if self.objective is Objective.PROFIT:
            return self.expected_value(probability, monthly_charges) > 0
        return probability >= self.threshold

    def expected_value(self, probability: float, monthly_charges: float | None = None) -> float:
        """Return what asking this customer to stay is expected to bring, in currency units.

        ``p * acceptance * months * bill - cost``: the profit of a retention campaign (Neslin et al.
        2006, Defection Detection, eq. 1) per customer, with the bill as the value at stake.
        """
        return probability * self.gain(monthly_charges) - self.cost

    def decisions(self, p: Floats, monthly_charges: Floats) -> NDArray[np.bool_]:
        """Return the decision on each of many customers, shape (customers,)."""
        if self.objective is Objective.PROFIT:
            return p * self.acceptance * self.months * monthly_charges > self.cost
        return p >= self.threshold

    def break_even(self, monthly_charges: float | None = None) -> float:
        """Return the probability from which on asking pays, at most 1."""
        gain = self.gain(monthly_charges)
        return min(1.0, self.cost / gain) if gain > 0 else 1.0

    def expected_values(self, p: Floats, monthly_charges: Floats) -> Floats:
        """Return ``expected_value`` of many customers; a bill that is NaN is unknown."""
        return p * self._gains(monthly_charges) - self.cost

    def break_evens(self, monthly_charges: Floats) -> Floats:
        """Return ``break_even`` of many customers; a bill that is NaN is unknown."""
        gains = self._gains(monthly_charges)
        pays = gains > 0
        with np.errstate(over="ignore"):  # next to nothing to gain: infinity, and so 1
            return np.minimum(1.0, np.where(pays, self.cost / np.where(pays, gains, 1.0), 1.0))

    def _gains(self, monthly_charges: Floats) -> Floats:
        unknown = np.isnan(monthly_charges)
        bills = np.where(unknown, self.typical_monthly_charges, monthly_charges)
        return self.acceptance * self.months * bills

    def gain(self, monthly_charges: float | None = None) -> float:
        """Return what asking a customer who would have left brings, before its cost."""
        bill = self.typical_monthly_charges if monthly_charges is None else monthly_charges
        return self.acceptance * self.months * bill


def best_f1_threshold(y: NDArray[np.int64], p: Floats, weights: Floats) -> float:
    """Return the score from which on a yes gives the highest F1 on these rows.

    F1 = 2 TP / (2 TP + FP + FN) (van Rijsbergen 1979, Information Retrieval, ch. 7). Only scores
    that occur can be the best threshold, so all of them are tried.
    """
    order = np.argsort(-p, kind="stable")
    hit, said = np.cumsum((weights * y)[order]), np.cumsum(weights[order])
    last_of_equals = np.append(np.diff(p[order]) != 0, True)
    f1 = np.where(last_of_equals, 2 * hit / (said + (weights * y).sum()), -1.0)
    return float(p[order][int(np.argmax(f1))])


def choose(  # noqa: PLR0913 - each is one of the facts that a policy rests on
    objective: Objective,
    economics: Economics,
    *,
    y: NDArray[np.int64],
    p: Floats,
    weights: Floats,
    monthly_charges: Floats,
) -> Policy:
    """Return the policy for an objective, from out-of-fold scores ``p``."""
    rule = Policy(
        objective=objective,
        acceptance=economics.acceptance,
        months=economics.months,
        cost=economics.cost,
        typical_monthly_charges=float(np.average(monthly_charges, weights=weights)),
    )
    thresholds: Mapping[Objective, float] = {
        Objective.HALF: HALF,
        Objective.BEST_F1: best_f1_threshold(y, p, weights),
        Objective.PROFIT: rule.break_even(),
    }
    return rule.model_copy(update={"threshold": thresholds[objective]})
