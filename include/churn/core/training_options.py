"""How a model is trained, decided upon and refused: what an operator may set."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from churn.core import variables


class Objective(StrEnum):
    """By what a version decides whom to contact."""

    HALF = "half"
    BEST_F1 = "best_f1"
    PROFIT = "profit"


class ProtectedAttributes(StrEnum):
    """Whether a model may use what the law protects: gender and age."""

    USE = "use"
    LEAVE_OUT = "leave_out"


@dataclass(frozen=True, kw_only=True)
class Economics:
    """What contacting a customer is assumed to be worth, in the currency of the monthly charges.

    ``acceptance`` is the share of churning customers who stay because they are contacted: an uplift
    that only a control group measures. Each of them is worth ``months`` of charges, of which
    ``margin`` is profit. ``cost`` is paid for every contact, ``incentive`` to each customer who
    accepts, which ``retained_acceptance`` of the other, retained customers do.
    """

    acceptance: float = 0.3
    months: float = 3.6
    cost: float = 10.0
    margin: float = 1.0
    incentive: float = 0.0
    retained_acceptance: float = 1.0


@dataclass(frozen=True, kw_only=True)
class TrainingOptions:
    """The settings of a training run.

    ``max_auc`` and ``max_accuracy`` are what an honest model stays under on these customers (None:
    what the kind of customer file suggests, see ``churn.training.leaks``). ``evaluated_rows``
    bounds the customers that models are measured on; the final fit sees all that may be learned
    from.
    """

    objective: Objective = Objective.PROFIT
    economics: Economics = Economics()
    protected_attributes: ProtectedAttributes = ProtectedAttributes.USE
    max_auc: float | None = None
    max_accuracy: float | None = None
    evaluated_rows: int = 10_000

    @classmethod
    def from_values(cls, values: Mapping[str, str]) -> "TrainingOptions":
        """Read the variables ``CHURN_…``; what is not given keeps its default.

        Raises:
            ChurnError: naming the variable and what it may be.
        """
        given = variables.given(values)
        return cls(
            objective=variables.word(given, _OBJECTIVE, cls.objective),
            economics=_economics(given),
            protected_attributes=variables.word(given, _PROTECTED, cls.protected_attributes),
            max_auc=variables.number(given, MAX_AUC, 0.5, 1),
            max_accuracy=variables.number(given, MAX_ACCURACY, 0.5, 1),
            evaluated_rows=int(
                variables.number(given, _ROWS, 1_000, 10_000_000) or cls.evaluated_rows
            ),
        )

    @property
    def values(self) -> dict[str, str]:
        """The variables that these options are read from, to be kept with a version."""
        found = {
            _OBJECTIVE: self.objective,
            **{name: getattr(self.economics, part) for part, (name, _) in _ECONOMICS.items()},
            _PROTECTED: self.protected_attributes,
            MAX_AUC: self.max_auc,
            MAX_ACCURACY: self.max_accuracy,
            _ROWS: self.evaluated_rows,
        }
        return {name: str(value) for name, value in found.items() if value is not None}


MAX_AUC: Final = "CHURN_LEAK_MAX_AUC"
MAX_ACCURACY: Final = "CHURN_LEAK_MAX_ACCURACY"
_OBJECTIVE: Final = "CHURN_DECISION_POLICY"
_ECONOMICS: Final = {
    "acceptance": ("CHURN_PROFIT_ACCEPTANCE", (0.001, 1)),
    "months": ("CHURN_PROFIT_MONTHS", (0.01, 1_200)),
    "cost": ("CHURN_PROFIT_COST", (0.01, 1_000_000_000)),
    "margin": ("CHURN_PROFIT_MARGIN", (0.001, 1)),
    "incentive": ("CHURN_PROFIT_INCENTIVE", (0, 1_000_000_000)),
    "retained_acceptance": ("CHURN_PROFIT_RETAINED_ACCEPTANCE", (0, 1)),
}
"""The variable that each of the economics is read from, and its bounds."""
_PROTECTED: Final = "CHURN_PROTECTED_ATTRIBUTES"
_ROWS: Final = "CHURN_EVALUATED_ROWS"


def _economics(given: Mapping[str, str]) -> Economics:
    read = {
        part: variables.number(given, name, *within) for part, (name, within) in _ECONOMICS.items()
    }
    return Economics(**{part: number for part, number in read.items() if number is not None})
