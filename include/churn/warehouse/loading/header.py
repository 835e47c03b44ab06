"""Matches a file's header with the fields of a customer."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from churn.core.errors import DataQualityError, plain_list
from churn.customer import description
from churn.customer.description import CHURN, COLUMNS, OPTIONAL, SNAPSHOT_DATE, TENURE
from churn.customer.field import Field

ALIASES: Final = {"tenuremonths": TENURE, "churnlabel": CHURN}
_LONGEST_SLIP: Final = 100  # of characters; longer names are not compared
MOST_COLUMNS: Final = 1_500
"""PostgreSQL keeps no more than 1,600 columns in a table."""


@dataclass(frozen=True)
class Header:
    """The file's columns in its order; ``None`` is an extra column."""

    fields: tuple[Field | None, ...]
    extra: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The staging columns, in the file's order."""
        return tuple(raw_column(f) if f else f"extra_{i}" for i, f in enumerate(self.fields))

    @property
    def leaks(self) -> tuple[str, ...]:
        """Extra columns that reveal the outcome."""
        return tuple(filter(description.reveals_outcome, self.extra))

    @property
    def absent(self) -> tuple[Field, ...]:
        """Optional fields that the file lacks."""
        return tuple(field for field in OPTIONAL if field not in self.fields)


def raw_column(field: Field) -> str:
    """The staging column that holds the field's text."""
    return f"raw_{field.name}"


def match_header(headers: Sequence[str]) -> Header:
    """Return which column is which.

    Raises:
        DataQualityError: a required column is missing, one is there twice, or there are too many.
    """
    if len(headers) > MOST_COLUMNS:
        raise DataQualityError(f"the header has {len(headers):,} columns, over {MOST_COLUMNS:,}")
    fields = _with_aliases(headers, tuple(_field(header) for header in headers))
    missing = [f for f in COLUMNS if f not in fields and f not in OPTIONAL]
    twice = sorted({f.header for f in fields if f and fields.count(f) > 1})
    extra = tuple(h for h, f in zip(headers, fields, strict=True) if f is None)
    if missing:
        named = ", ".join(_with_hint(field, extra) for field in missing)
        raise DataQualityError(f"the header lacks {named}; it has {plain_list(headers)}")
    if twice:
        raise DataQualityError(f"the header has {', '.join(twice)} more than once")
    if "\0" in "".join(headers):
        raise DataQualityError("the header has a NUL byte")
    return Header(fields, extra)


def _field(header: str) -> Field | None:
    name = description.normalised(header)
    if name == description.normalised(SNAPSHOT_DATE.name):
        return SNAPSHOT_DATE
    return description.BY_OUTSIDE_NAME.get(name)


def _with_aliases(
    headers: Sequence[str], fields: tuple[Field | None, ...]
) -> tuple[Field | None, ...]:
    """Take a column by its name in IBM's extended file, where the field's own is not there."""
    meant = [ALIASES.get(description.normalised(header)) for header in headers]
    return tuple(
        field or (alias if alias not in fields and meant.index(alias) == place else None)
        for place, (field, alias) in enumerate(zip(fields, meant, strict=True))
    )


def _with_hint(field: Field, extra: Sequence[str]) -> str:
    names = [description.normalised(name) for name in extra if len(name) <= _LONGEST_SLIP]
    near = difflib.get_close_matches(description.normalised(field.header), names, n=1)
    found = [name for name in extra if description.normalised(name) in near]
    return f"{field.header} (is it {found[0]!r}?)" if found else field.header
