"""How a model is trained, decided upon and refused: what an operator may set."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeVar

from churn.errors import ChurnError


class Objective(StrEnum):
    """What a yes is decided by."""

    HALF = "half"
    BEST_F1 = "best_f1"
    PROFIT = "profit"


class ProtectedAttributes(StrEnum):
    """Whether a model may use what the law protects: gender and age."""

    USE = "use"
    LEAVE_OUT = "leave_out"


@dataclass(frozen=True, kw_only=True)
class Economics:
    """What asking a customer to stay is worth.

    ``acceptance`` is the share of leavers who stay when asked, ``months`` of the bill are won with
    each, ``cost`` is paid for everybody who is asked, in the currency of the bills.
    """

    acceptance: float = 0.3
    months: float = 3.6
    cost: float = 10.0


@dataclass(frozen=True, kw_only=True)
class TrainingOptions:
    """The settings of a training run.

    ``max_auc`` and ``max_accuracy`` are what an honest model stays under on these customers (None:
    what the kind of customer file suggests, see ``churn.model.leaks``). ``evaluated_rows`` bounds
    the customers that models are measured on; the final fit sees all that may be learned from.
    """

    objective: Objective = Objective.HALF
    economics: Economics = Economics()
    protected_attributes: ProtectedAttributes = ProtectedAttributes.USE
    max_auc: float | None = None
    max_accuracy: float | None = None
    evaluated_rows: int = 20_000

    @classmethod
    def from_values(cls, values: Mapping[str, str]) -> "TrainingOptions":
        """Read the variables ``CHURN_…``; what is not given keeps its default.

        Raises:
            ChurnError: naming the variable and what it may be.
        """
        given = {name: value.strip() for name, value in values.items() if value.strip()}
        usual = Economics()
        return cls(
            objective=_one_of(Objective, given, _OBJECTIVE, Objective.HALF),
            economics=Economics(
                acceptance=_number(given, _ACCEPTANCE, 0.001, 1) or usual.acceptance,
                months=_number(given, _MONTHS, 0.01, 1_200) or usual.months,
                cost=_number(given, _COST, 0.01, 1_000_000_000) or usual.cost,
            ),
            protected_attributes=_one_of(
                ProtectedAttributes, given, _PROTECTED, ProtectedAttributes.USE
            ),
            max_auc=_number(given, MAX_AUC, 0.5, 1),
            max_accuracy=_number(given, MAX_ACCURACY, 0.5, 1),
            evaluated_rows=int(_number(given, _ROWS, 1_000, 10_000_000) or cls.evaluated_rows),
        )

    @property
    def values(self) -> dict[str, str]:
        """The variables that these options are read from, to be kept with a version."""
        found = {
            _OBJECTIVE: self.objective,
            _ACCEPTANCE: self.economics.acceptance,
            _MONTHS: self.economics.months,
            _COST: self.economics.cost,
            _PROTECTED: self.protected_attributes,
            MAX_AUC: self.max_auc,
            MAX_ACCURACY: self.max_accuracy,
            _ROWS: self.evaluated_rows,
        }
        return {name: str(value) for name, value in found.items() if value is not None}


MAX_AUC: Final = "CHURN_LEAK_MAX_AUC"
MAX_ACCURACY: Final = "CHURN_LEAK_MAX_ACCURACY"
_OBJECTIVE: Final = "CHURN_DECISION_POLICY"
_ACCEPTANCE: Final = "CHURN_PROFIT_ACCEPTANCE"
_MONTHS: Final = "CHURN_PROFIT_MONTHS"
_COST: Final = "CHURN_PROFIT_COST"
_PROTECTED: Final = "CHURN_PROTECTED_ATTRIBUTES"
_ROWS: Final = "CHURN_EVALUATED_ROWS"

Word = TypeVar("Word", bound=StrEnum)


def _one_of(kind: type[Word], given: Mapping[str, str], name: str, default: Word) -> Word:
    if name not in given:
        return default
    try:
        return kind(given[name].lower())
    except ValueError:
        raise ChurnError(f"{name}={given[name]}: expected {' | '.join(kind)}") from None


def _number(given: Mapping[str, str], name: str, low: float, high: float) -> float | None:
    if name not in given:
        return None
    try:
        number = float(given[name])
    except ValueError:
        number = math.nan
    if not low <= number <= high:
        raise ChurnError(f"{name}={given[name]}: expected a number from {low:g} to {high:,g}")
    return number
