"""How a model is trained, decided upon and refused: what an operator may set."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum

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
    the customers that models are measured on; the final fit always sees all that may be learned from.
    """

    objective: Objective = Objective.HALF
    economics: Economics = Economics()
    protected_attributes: ProtectedAttributes = ProtectedAttributes.USE
    max_auc: float | None = None
    max_accuracy: float | None = None
    evaluated_rows: int = 50_000

    @classmethod
    def from_values(cls, values: Mapping[str, str]) -> "TrainingOptions":
        """Read the variables ``CHURN_…``; what is not given keeps its default.

        Raises:
            ChurnError: naming the variable and what it may be.
        """
        given = {name: value.strip() for name, value in values.items() if value.strip()}
        parts = {
            field: read(name, given[name])
            for field, (name, read) in VARIABLES.items()
            if name in given
        }
        of_economics = {field.name for field in fields(Economics)}
        economics = Economics(**{k: v for k, v in parts.items() if k in of_economics})
        rest = {k: v for k, v in parts.items() if k not in of_economics}
        return cls(economics=economics, **rest)


def _one_of(kind: type[StrEnum]) -> Callable[[str, str], StrEnum]:
    def read(name: str, text: str) -> StrEnum:
        try:
            return kind(text.lower())
        except ValueError:
            raise ChurnError(f"{name}={text}: expected {' | '.join(kind)}") from None

    return read


def _number(low: float, high: float) -> Callable[[str, str], float]:
    def read(name: str, text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not low <= number <= high:
            raise ChurnError(f"{name}={text}: expected a number from {low:g} to {high:g}")
        return number

    return read


def _whole(name: str, text: str) -> int:
    return int(_number(1_000, 10_000_000)(name, text))


VARIABLES: Mapping[str, tuple[str, Callable[[str, str], object]]] = {
    "objective": ("CHURN_DECISION_POLICY", _one_of(Objective)),
    "acceptance": ("CHURN_PROFIT_ACCEPTANCE", _number(0.001, 1)),
    "months": ("CHURN_PROFIT_MONTHS", _number(0.01, 1_200)),
    "cost": ("CHURN_PROFIT_COST", _number(0, 1_000_000_000)),
    "protected_attributes": ("CHURN_PROTECTED_ATTRIBUTES", _one_of(ProtectedAttributes)),
    "max_auc": ("CHURN_LEAK_MAX_AUC", _number(0.5, 1)),
    "max_accuracy": ("CHURN_LEAK_MAX_ACCURACY", _number(0.5, 1)),
    "evaluated_rows": ("CHURN_EVALUATED_ROWS", _whole),
}
"""The variable of each setting, and how its text is read."""
