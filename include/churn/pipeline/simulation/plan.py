"""What is simulated."""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from churn.core.errors import ChurnError
from churn.customer.description import BY_NAME, FEATURES
from churn.customer.field import Field, FieldKind, Value

PREFIX: Final = "SIM-"
"""How the ids of simulated customers begin."""

_SHIFT: Final = re.compile(
    r"(?P<field>[a-z_]+)(?P<how>[=*+])(?P<value>[^@]+?)(?::(?P<share>[0-9.]+))?@(?P<day>[0-9-]+)"
)
_EXPECTED: Final = (
    "expected FIELD=VALUE:SHARE@DAY, FIELD*FACTOR@DAY or FIELD+AMOUNT@DAY, such as "
    "internet_service=Fiber optic:0.1@2026-10-01, or @-21 for three weeks before the end"
)


@dataclass(frozen=True)
class Shift:
    """From ``day`` on, a field of the customers is not what it was in training.

    A choice: ``share`` of the customers are such with ``value``. A number is multiplied by
    ``value``, or that is added to it.
    """

    field: Field
    how: str
    value: Value
    share: float
    day: date

    def changed(self, value: Value) -> Value:
        """Return a number after the shift, within what the field may be."""
        given, amount = float(value), float(self.value)
        new = given * amount if self.how == "*" else given + amount
        bounded = min(max(new, 0.0), float(self.field.maximum or new))
        return round(bounded) if self.field.kind is FieldKind.COUNT else round(bounded, 2)


@dataclass(frozen=True)
class Plan:
    """Days from ``start`` to ``end`` (excluded) with so many customers at a time.

    ``ageing`` is by how much the log-odds of churn have risen at the end over those that the model
    knows: a slow change of what customers do. Everything follows from ``seed``.
    """

    start: date
    end: date
    customers: int = 2_000
    seed: int = 1
    ageing: float = 0.0
    shifts: tuple[Shift, ...] = ()

    @property
    def days(self) -> int:
        """How many days are simulated."""
        return (self.end - self.start).days

    def customer_id(self, number: int) -> str:
        """Return the id of a simulated customer."""
        return f"{PREFIX}{self.seed}-{number:06}"


def parse_shift(text: str, end: date) -> Shift:
    """Return a shift as the command line spells it; its day may be so many days before ``end``.

    Raises:
        ChurnError: with what is expected.
    """
    found = _SHIFT.fullmatch(text.strip())
    field = BY_NAME.get(found["field"]) if found else None
    if not found or field not in FEATURES:
        raise ChurnError(f"{text}: {_EXPECTED}")
    try:
        return Shift(
            field,
            found["how"],
            _value(field, found["how"], found["value"]),
            float(found["share"] or 1),
            _day(found["day"], end),
        )
    except (KeyError, ValueError):
        allowed = field.allowed if found["how"] == "=" else "a number"
        raise ChurnError(f"{text}: {_EXPECTED}; {field.name} may be {allowed}") from None


def _day(text: str, end: date) -> date:
    is_before_end = text.startswith("-") and text[1:].isdigit()
    return end - timedelta(days=int(text[1:])) if is_before_end else date.fromisoformat(text)


def _value(field: Field, how: str, text: str) -> Value:
    if (how == "=") is field.is_number:
        raise ValueError
    return float(text) if field.is_number else field.spellings[text.lower()]
