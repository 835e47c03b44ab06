"""A column of the customer file: its type, its values and their accepted spellings."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Final

from churn.customer.identifier import LONGEST_IDENTIFIER

Value = bool | str | int | float
"""A canonical value: bool for flags, str for choices, int for counts, float for money."""


class FieldKind(StrEnum):
    """How a field is typed, checked and stored."""

    IDENTIFIER = "identifier"
    FLAG = "flag"
    CHOICE = "choice"
    COUNT = "count"
    MONEY = "money"
    DATE = "date"


YES: Final = "Yes"
NO: Final = "No"

_FLAG_WORDS: Final[dict[str, bool]] = {
    **dict.fromkeys(("yes", "y", "true", "t", "1"), True),
    **dict.fromkeys(("no", "n", "false", "f", "0"), False),
}


@dataclass(frozen=True, kw_only=True)
class Field:
    """One column of the customer file.

    ``name`` is ours, ``header`` the file's. ``codes`` are accepted spellings other than the values
    themselves, in lower case. ``protected`` marks attributes that decisions may not be based on
    by law.
    """

    name: str
    header: str
    kind: FieldKind
    description: str
    example: Value
    values: tuple[Value, ...] = ()
    codes: Mapping[str, Value] | None = None
    maximum: float | None = None
    unit: str | None = None
    protected: bool = False

    @cached_property
    def spellings(self) -> Mapping[str, Value]:
        """Every accepted spelling (lower case, trimmed) and its value."""
        own = {self.label(value).lower(): value for value in self.values}
        return {**own, **(self.codes or {})}

    @property
    def is_number(self) -> bool:
        """Whether the field is a count or an amount."""
        return self.kind in (FieldKind.COUNT, FieldKind.MONEY)

    def label(self, value: Value) -> str:
        """The value as the customer file spells it, for people and JSON keys."""
        return (YES if value else NO) if isinstance(value, bool) else str(value)

    @property
    def allowed(self) -> str:
        """The accepted values, in words."""
        if self.kind is FieldKind.IDENTIFIER:
            return f"a text of 1 to {LONGEST_IDENTIFIER} characters"
        if self.kind is FieldKind.DATE:
            return "a date such as 2026-01-31, not in the future"
        if self.is_number:
            what = "a whole number" if self.kind is FieldKind.COUNT else "a number"
            return f"{what} from 0 to {self.maximum:,.0f}"
        return " | ".join(self.label(value) for value in self.values) + self._allowed_codes

    @property
    def _allowed_codes(self) -> str:
        codes = [c for c in ("true", "false", "1", "0") if c in self.spellings]
        return f" (or {', '.join(codes)})" if codes else ""


def flag(
    name: str,
    header: str,
    description: str,
    *,
    example: bool = False,
    protected: bool = False,
) -> Field:
    """Return a field that is yes or no, in any of the words for it."""
    return Field(
        name=name,
        header=header,
        kind=FieldKind.FLAG,
        description=description,
        example=example,
        values=(False, True),
        codes=_FLAG_WORDS,
        protected=protected,
    )


def service(name: str, header: str, description: str, absent: str) -> Field:
    """Return a field that is yes, no, or ``absent``, where its main service is missing."""
    return Field(
        name=name,
        header=header,
        kind=FieldKind.CHOICE,
        description=description,
        example=NO,
        values=(NO, YES, absent),
        codes={word: YES if on else NO for word, on in _FLAG_WORDS.items()},
    )


def choice(name: str, header: str, description: str, *values: str) -> Field:
    """Return a field that is one of its values, the first of which is the example."""
    return Field(
        name=name,
        header=header,
        kind=FieldKind.CHOICE,
        description=description,
        example=values[0],
        values=values,
    )
