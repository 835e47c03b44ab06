"""The quality gate between a file and the customers: pass, flag or stop, with the reasons."""

from dataclasses import dataclass
from enum import StrEnum

from churn.core.load_options import LoadOptions
from churn.warehouse.cleaning.distributions import Moved
from churn.warehouse.cleaning.sizes import (
    Absent,
    Counted,
    cannot_replace,
    churn_moved,
    fell,
    mixed_with_sample,
    older_rows,
    removed,
    rows_moved,
    too_few_left,
)
from churn.warehouse.customers import Population

LIMIT_REJECTED = 0.05
LOADS_COMPARED = 7
_FEW_ROWS = 1_000
_COLUMN_INVALID = 0.001
_MOST_COLUMNS = 5
_HOW_TO_ALLOW = (
    "if this is right, allow it with --allow-change (*Allow a large change* in the form)"
)


class Verdict(StrEnum):
    """The result of the quality gate."""

    PASS = "pass"  # noqa: S105
    FLAG = "flag"
    STOP = "stop"


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What a load may change.

    ``replace``: the file is the whole customer base. ``allow_change``: a load that removes or
    changes unusually many customers passes. ``limit_lost``: the share of customers that a
    replacement may remove, and by which a file may be shorter than the last loads.
    """

    replace: bool = False
    limit_rejected: float = LIMIT_REJECTED
    limit_lost: float = LoadOptions.limit_lost
    allow_change: bool = False


class Trouble(StrEnum):
    """What is wrong with a value."""

    BLANK = "are blank"
    UNSEEN = "are not allowed"
    CONTRADICTION = "contradict another column"


@dataclass(frozen=True)
class InvalidValues:
    """How many values of a field are invalid, and why."""

    field: str
    trouble: Trouble
    number: int


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the quality gate considers. ``last`` has the medians of the last loads."""

    counted: Counted
    rejected: int
    terms: Terms
    invalid: tuple[InvalidValues, ...]
    last: Counted | None
    leaks: tuple[str, ...]
    lacks: tuple[str, ...]
    malformed: int = 0
    """Lines that are not rows."""
    unended: str = ""
    """The last line, where the file does not end with a line end."""
    replaced_by: Population | None = None
    """The customers that would be left where the file replaces them all."""
    absent: Absent | None = None
    """The customers that a replacement removes."""
    expected_rows: int = 0
    """The rows of a whole file; 0 where this one is not compared."""
    older: int = 0
    """Rows that differ from the customer's row and have an earlier snapshot date."""
    is_older: bool = False
    """Every known customer of the file has a later snapshot date."""
    moved: tuple[Moved, ...] = ()
    sample: int = 0
    """The customers of the shipped sample, if every customer of the file is new."""


@dataclass(frozen=True)
class Judgement:
    """The verdict and its reasons. ``allowed``: a large change was allowed by hand."""

    verdict: Verdict
    reasons: tuple[str, ...]
    allowed: bool = False


def judge(facts: Facts) -> Judgement:
    """Return the strictest verdict of all checks."""
    stops = (*_too_many_rejected(facts), *_one_outcome(facts))
    stops += too_few_left(facts.replaced_by, facts.malformed)
    stops += cannot_replace(facts.absent, facts.older)
    changes, allowed = _large_changes(facts), facts.terms.allow_change
    flags = (*_leaks(facts), *_lacks(facts), *_malformed(facts), *_unended(facts), *_invalid(facts))
    flags += older_rows(facts.counted.rows, facts.older, all_older=facts.is_older)
    flags += (*_unusual(facts), *_moved(facts), *mixed_with_sample(facts.sample))
    if changes and not allowed:
        stops += (*changes, _HOW_TO_ALLOW)
    elif changes:
        flags = (*(f"{change}; allowed by hand" for change in changes), *flags)
    verdict = Verdict.STOP if stops else Verdict.FLAG if flags else Verdict.PASS
    return Judgement(verdict, (*stops, *flags), allowed=allowed and bool(changes))


def _large_changes(facts: Facts) -> tuple[str, ...]:
    return (*_lost(facts), *(moved.words for moved in facts.moved if moved.is_gross))


def _lost(facts: Facts) -> tuple[str, ...]:
    limit = facts.terms.limit_lost
    fewer = fell(facts.counted.rows, facts.expected_rows, limit)
    return removed(facts.absent, limit) or fewer


def _unusual(facts: Facts) -> tuple[str, ...]:
    now, last = facts.counted, facts.last
    if last is None:
        return ()
    return (*(() if _lost(facts) else rows_moved(now, last)), *churn_moved(now, last))


def _moved(facts: Facts) -> tuple[str, ...]:
    words = [moved.words for moved in facts.moved if not moved.is_gross]
    more = len(words) - _MOST_COLUMNS
    return (*words[:_MOST_COLUMNS], *((f"{more} more columns moved",) if more > 0 else ()))


def _too_many_rejected(facts: Facts) -> tuple[str, ...]:
    rows = facts.counted.rows
    if facts.rejected <= facts.terms.limit_rejected * rows:
        return ()
    limit = f"over the limit of {facts.terms.limit_rejected:.1%}"
    return (f"{facts.rejected:,} of {rows:,} rows are not valid customers, {limit}",)


def _one_outcome(facts: Facts) -> tuple[str, ...]:
    rows, churned = facts.counted.rows, facts.counted.churned
    if rows - facts.rejected < _FEW_ROWS or 0 < churned < rows - facts.rejected:
        return ()
    who = "none of the" if churned == 0 else "all"
    return (f"{who} {rows:,} customers churned: is the Churn column right?",)


def _leaks(facts: Facts) -> tuple[str, ...]:
    names = ", ".join(facts.leaks)
    return (f"columns that reveal the outcome were left out: {names}",) if names else ()


def _lacks(facts: Facts) -> tuple[str, ...]:
    names = ", ".join(facts.lacks)
    return (f"the file lacks {names}, which is then unknown",) if names else ()


def _malformed(facts: Facts) -> tuple[str, ...]:
    rows = facts.counted.rows
    if facts.malformed <= _COLUMN_INVALID * rows:
        return ()
    return (f"{facts.malformed:,} of {rows:,} lines ({facts.malformed / rows:.2%}) are not rows",)


def _unended(facts: Facts) -> tuple[str, ...]:
    if not facts.unended:
        return ()
    return (f"the file does not end with a line end, so it may be cut within {facts.unended}",)


def _invalid(facts: Facts) -> tuple[str, ...]:
    rows = facts.counted.rows
    return tuple(
        f"{one.field}: {one.number:,} of {rows:,} values ({one.number / rows:.2%}) "
        f"{one.trouble.value}"
        for one in facts.invalid
        if one.number > _COLUMN_INVALID * rows
    )
