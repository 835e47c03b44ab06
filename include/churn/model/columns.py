"""The columns of the design matrix: what the model sees of a customer."""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from churn import customer
from churn.customer import ADD_ONS, MULTIPLE_LINES
from churn.field import YES, Field, Value


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


ONE_HOT: Final = (
    customer.SENIOR_CITIZEN,
    customer.PARTNER,
    customer.DEPENDENTS,
    customer.PHONE_SERVICE,
    customer.PAPERLESS_BILLING,
    customer.GENDER,
    customer.INTERNET_SERVICE,
    customer.CONTRACT,
    customer.PAYMENT_METHOD,
)
"""Fields with a column for each value but the first."""

YES_ONLY: Final = (MULTIPLE_LINES, *ADD_ONS)
"""Fields with one column: Yes or not. That a service is absent is said by its parent's column."""

MODEL_COLUMNS: Final = (
    DesignColumn(customer.TENURE, Transform.LOG1P),
    *(
        DesignColumn(field, Transform.EQUALS, value)
        for field in ONE_HOT
        for value in field.values[1:]
    ),
    *(DesignColumn(field, Transform.EQUALS, YES) for field in YES_ONLY),
)
"""What the model has weights for."""

AUXILIARY_COLUMNS: Final = (
    DesignColumn(customer.MONTHLY_CHARGES, Transform.IDENTITY),
    DesignColumn(customer.TOTAL_CHARGES, Transform.LOG1P),
)
"""No weight of their own, but they tell about fields that are not known."""

COLUMNS: Final = (*MODEL_COLUMNS, *AUXILIARY_COLUMNS)

_BINARY = 2

TREE_COLUMNS: Final = (
    *(
        DesignColumn(field, Transform.IDENTITY)
        for field in (customer.TENURE, customer.MONTHLY_CHARGES, customer.TOTAL_CHARGES)
    ),
    *(
        DesignColumn(field, Transform.EQUALS, value)
        for field in ONE_HOT
        for value in field.values[len(field.values) == _BINARY :]
    ),
    *(DesignColumn(field, Transform.EQUALS, YES) for field in YES_ONLY),
)
"""What trees see: numbers as they are, as no transform changes how they can be split, and a column
for each value of a choice, so that one split tells any of them from the rest."""
