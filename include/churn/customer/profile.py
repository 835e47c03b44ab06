"""A customer's profile as one whole number, of which every field but the amounts is a digit.

The number is in mixed radix: a digit has as many values as its field, the outcome is the lowest
one. Millions of customers are then some bytes each, and equal profiles are equal numbers.
"""

from dataclasses import dataclass
from itertools import accumulate
from operator import mul
from typing import Final

from churn.customer.description import CHURN, FEATURES
from churn.customer.field import Field, FieldKind


@dataclass(frozen=True)
class Digit:
    """A field's place in the number: its value's index times ``factor``."""

    field: Field
    factor: int

    @property
    def base(self) -> int:
        """How many values the field has."""
        return _base(self.field)


def _base(field: Field) -> int:
    return int(field.maximum or 0) + 1 if field.kind is FieldKind.COUNT else len(field.values)


AMOUNTS: Final = tuple(field for field in FEATURES if field.kind is FieldKind.MONEY)
_FIELDS: Final = (CHURN, *(field for field in FEATURES if field not in AMOUNTS))
_FACTORS: Final = accumulate(map(_base, _FIELDS), mul, initial=1)

DIGITS: Final = {field.name: Digit(field, f) for field, f in zip(_FIELDS, _FACTORS, strict=False)}
"""The digits by the names of their fields."""
