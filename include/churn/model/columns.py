"""The columns of the design matrix."""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from churn.customer.description import DEPENDENCIES, FEATURES
from churn.customer.field import YES, Field, FieldKind, Value


class Transform(StrEnum):
    """How a field's value becomes a number."""

    EQUALS = "equals"
    LOG1P = "log1p"
    IDENTITY = "identity"


@dataclass(frozen=True)
class DesignColumn:
    """One number per customer: a transform of a field, or whether it equals ``value``."""

    field: Field
    transform: Transform
    value: Value | None = None

    @property
    def name(self) -> str:
        """The column's name, such as ``tenure``, ``log1p(tenure)`` or ``contract=One year``."""
        if self.value is not None:
            return f"{self.field.name}={self.field.label(self.value)}"
        plain = self.transform is Transform.IDENTITY
        return self.field.name if plain else f"{self.transform}({self.field.name})"

    def of(self, value: Value) -> float:
        """Return the column's number for a value of its field."""
        if self.transform is Transform.EQUALS:
            return float(value == self.value)
        number = float(value)
        return math.log1p(number) if self.transform is Transform.LOG1P else number


_CHILDREN: Final = [child for dependency in DEPENDENCIES for child in dependency.children]

YES_ONLY: Final = tuple(field for field in FEATURES if field in _CHILDREN)
"""Fields with one column: Yes or not. Its parent's column shows that a service is absent."""

_PARENTS: Final = [field for field in FEATURES if not field.is_number and field not in _CHILDREN]

ONE_HOT: Final = tuple(sorted(_PARENTS, key=lambda field: field.kind is FieldKind.CHOICE))
"""Fields with a column for each value but the first; flags before choices."""

COUNTS: Final = tuple(field for field in FEATURES if field.kind is FieldKind.COUNT)
"""Numbers that the model has a weight for: of the logarithm."""

MODEL_COLUMNS: Final = (
    *(DesignColumn(field, Transform.LOG1P) for field in COUNTS),
    *(
        DesignColumn(field, Transform.EQUALS, value)
        for field in ONE_HOT
        for value in field.values[1:]
    ),
    *(DesignColumn(field, Transform.EQUALS, YES) for field in YES_ONLY),
)
"""The columns that the model has weights for."""

AUXILIARY_COLUMNS: Final = tuple(
    column
    for field in FEATURES
    if field.is_number
    for column in (DesignColumn(field, t) for t in (Transform.IDENTITY, Transform.LOG1P))
    if column not in MODEL_COLUMNS
)
"""Without weights, but correlated with unknown fields: each number both as it is and as its
logarithm, as such correlations are rarely linear."""

COLUMNS: Final = (*MODEL_COLUMNS, *AUXILIARY_COLUMNS)

_BINARY = 2

TREE_COLUMNS: Final = (
    *(DesignColumn(field, Transform.IDENTITY) for field in FEATURES if field.is_number),
    *(
        DesignColumn(field, Transform.EQUALS, value)
        for field in ONE_HOT
        for value in field.values[len(field.values) == _BINARY :]
    ),
    *(DesignColumn(field, Transform.EQUALS, YES) for field in YES_ONLY),
)
"""The columns of trees: numbers as they are, as no monotonic transform changes their splits, and a
column for each value of a choice, so that one split separates any of them from the rest."""
