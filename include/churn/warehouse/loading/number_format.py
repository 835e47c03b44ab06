"""How a file writes its numbers: the marks of decimals and of thousands that its cells prove."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from typing import Final

from churn.core.errors import DataQualityError
from churn.customer.field import Field, FieldKind
from churn.warehouse.loading.dialect import DECIMALS, THOUSANDS, FormatOptions

LONGEST_NUMBER: Final = 20
"""Of characters."""

_ALIKE: Final = {"'": "'\N{RIGHT SINGLE QUOTATION MARK}", " ": " \u00a0\u202f"}
_FEWEST: Final = 0.01
"""The share of cells that settles what the others of their column mean: fewer may be mistakes."""
_CONTRADICTED: Final = 0.05

MARKS: Final = ".," + "".join(_ALIKE.values())


@dataclass(frozen=True)
class NumberFormat:
    """The mark before the decimals, and the one between groups of three digits, if there is any."""

    decimal: str = "."
    thousands: str = ","

    @property
    def thousands_marks(self) -> str:
        """The characters that stand for the thousands mark."""
        return _ALIKE.get(self.thousands, self.thousands)

    def pattern(self, kind: FieldKind) -> str:
        """Return what a number looks like, for Python and for PostgreSQL."""
        decimal, whole = f"[{self.decimal}]", "[0-9]+"
        if self.thousands:
            whole += f"|[1-9][0-9]{{0,2}}([{self.thousands_marks}][0-9]{{3}})+"
        if kind is FieldKind.COUNT:
            return f"({whole})({decimal}0*)?"
        return f"({whole})({decimal}[0-9]*)?|{decimal}[0-9]+"

    def read(self, text: str, of: Field) -> Decimal | None:
        """Return the number that a text stands for, None where it is none of the field's."""
        if not _compiled(self, of.kind).fullmatch(text):
            return None
        plain = text.translate(str.maketrans(self.decimal, ".", self.thousands_marks))
        number = Decimal(plain)
        return number if number <= Decimal(of.maximum or 0) else None


@cache
def _compiled(numbers: NumberFormat, kind: FieldKind) -> re.Pattern[str]:
    return re.compile(numbers.pattern(kind))


@dataclass(frozen=True)
class Alike:
    """Cells that are written alike: one of them, and how many there are."""

    text: str
    count: int


@dataclass
class Evidence:
    """What the cells of a column show.

    ``proofs`` counts those that only one decimal mark explains; ``either`` has an example of those
    that two explain differently, by the mark in them.
    """

    proofs: Counter[str] = field(default_factory=Counter)
    grouped: Counter[str] = field(default_factory=Counter)
    either: dict[str, str] = field(default_factory=dict)
    unclear: int = 0

    @property
    def decimal(self) -> str | None:
        """The decimal mark, if the column proves one."""
        if not self.proofs:
            return None
        (mark, most), *_ = self.proofs.most_common(1)
        total = self.proofs.total()
        contradicted = total - most > _CONTRADICTED * total
        if self.unclear and (contradicted or most < _FEWEST * (total + self.unclear)):
            return None
        return mark

    def is_unclear(self, decimal: str, *, proved: bool) -> bool:
        """Whether the decimal mark of the file leaves it open what this column's cells mean."""
        if self.decimal is not None:
            return bool(self.either) and self.decimal != decimal
        return decimal in self.either or (bool(self.either) and not proved)


def possible_formats(options: FormatOptions) -> tuple[NumberFormat, ...]:
    """Return the formats that what was set by hand leaves, the most usual ones first.

    Raises:
        DataQualityError: both marks were set to the same character.
    """
    decimals = [options.decimal] if options.decimal else list(DECIMALS.values())
    marks = [mark for mark in THOUSANDS.values() if mark]
    thousands = marks if options.thousands is None else [options.thousands]
    found = tuple(NumberFormat(d, t) for d in decimals for t in thousands if d != t)
    if not found:
        raise DataQualityError("the decimal mark and the thousands mark cannot be the same")
    return found


def weigh(of: Field, cells: Iterable[Alike], formats: Sequence[NumberFormat]) -> Evidence:
    """Return what the cells of a column show."""
    evidence = Evidence()
    for alike in cells:
        readings = {one: n for one in formats if (n := one.read(alike.text, of)) is not None}
        decimals = {one.decimal for one in readings}
        if len(decimals) == 1:
            evidence.proofs[decimals.pop()] += alike.count
        elif len(set(readings.values())) > 1:
            mark = next(letter for letter in alike.text if letter in DECIMALS.values())
            evidence.either[mark] = alike.text
            evidence.unclear += alike.count
        for mark in {one.thousands for one in readings if _has_any(alike.text, one)}:
            evidence.grouped[mark] += alike.count
    return evidence


def _has_any(text: str, numbers: NumberFormat) -> bool:
    return any(mark in text for mark in numbers.thousands_marks)


def settle(columns: Mapping[Field, Evidence], formats: Sequence[NumberFormat]) -> NumberFormat:
    """Return the format of a file.

    Raises:
        DataQualityError: a mark may be that of thousands or of decimals, with an example.
    """
    votes: Counter[str] = Counter()
    grouped: Counter[str] = Counter()
    for evidence in columns.values():
        votes.update({evidence.decimal: evidence.proofs.total()} if evidence.decimal else {})
        grouped.update(evidence.grouped)
    decimal = max((one.decimal for one in formats), key=votes.__getitem__)
    for of, evidence in columns.items():
        if evidence.is_unclear(decimal, proved=bool(votes)):
            raise DataQualityError(_question(of, evidence, decimal, formats))
    left = [one for one in formats if one.decimal == decimal]
    return max(left, key=lambda one: grouped[one.thousands])


def _question(of: Field, evidence: Evidence, decimal: str, formats: Sequence[NumberFormat]) -> str:
    mark, text = next(
        (one for one in evidence.either.items() if one[0] == decimal),
        next(iter(evidence.either.items())),
    )
    readings = {one.decimal == mark: one.read(text, of) for one in formats if _reads(one, text, of)}
    name = next(name for name, character in DECIMALS.items() if character == mark)
    return (
        f"{of.header}: {text!r} may be {readings[False]} (the {name} marks thousands) or "
        f"{readings[True]} (the {name} marks decimals), and the file does not show which. Set "
        f"the thousands mark by hand (`--thousands {name}`, or *Thousands mark* in the form) if "
        f"it is {readings[False]}, the decimal mark (`--decimal {name}`, or *Decimal mark*) if it "
        f"is {readings[True]}"
    )


def _reads(one: NumberFormat, text: str, of: Field) -> bool:
    return one.read(text, of) is not None
