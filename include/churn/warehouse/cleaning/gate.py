"""The gate between a file and the customers: pass, flag or stop, with the reasons in words."""

from dataclasses import dataclass
from enum import StrEnum

from churn.core.load_options import LoadOptions
from churn.warehouse.cleaning.profiles import Moved
from churn.warehouse.cleaning.sizes import (
    Absent,
    Counted,
    beside_sample,
    cannot_replace,
    churn_moved,
    fell,
    older_rows,
    removed,
    rows_moved,
    too_few_left,
)
from churn.warehouse.customers import Population

LIMIT_REJECTED = 0.05
LOADS_COMPARED = 7
_FEW_ROWS = 1_000
_COLUMN_SPOILT = 0.001
_MOST_COLUMNS = 5
_HOW_TO_ALLOW = (
    "if this is right, allow it with --allow-change (*Allow a large change* in the form)"
)


class Verdict(StrEnum):
    """What becomes of a load."""

    PASS = "pass"  # noqa: S105
    FLAG = "flag"
    STOP = "stop"


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What may become of a load.

    ``replace`` says that the file is the whole customer base; ``allow_change`` lets a load through
    that removes or changes more customers than is usual; ``limit_lost`` is the share of customers
    that a replacement may remove, and of rows that a file may have fewer than the last loads.
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
class Spoilt:
    """How many values of a field are no good, and why."""

    field: str
    trouble: Trouble
    number: int


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the gate goes by. ``last`` is what was usual among the last loads."""

    counted: Counted
    rejected: int
    terms: Terms
    spoilt: tuple[Spoilt, ...]
    last: Counted | None
    leaks: tuple[str, ...]
    lacks: tuple[str, ...]
    torn: int = 0
    """Lines that are no rows."""
    unended: str = ""
    """The last line, where the file does not end with a line end."""
    replaced_by: Population | None = None
    """The customers that would be left where the file replaces them all."""
    absent: Absent | None = None
    """The customers that a replacement removes."""
    expected_rows: int = 0
    """The rows of a whole file; 0 where this one is not compared."""
    older: int = 0
    """Rows that are older than what is known, and differ from it."""
    is_older: bool = False
    """Every known customer of the file is known as of a later day."""
    moved: tuple[Moved, ...] = ()
    sample: int = 0
    """The customers of the shipped sample, where the file has none but new customers."""


@dataclass(frozen=True)
class Judgement:
    """The verdict and its reasons. ``allowed`` says that a large change was allowed by hand."""

    verdict: Verdict
    reasons: tuple[str, ...]
    allowed: bool = False


def judge(facts: Facts) -> Judgement:
    """Return the verdict: the worst of all that was found."""
    stops = (*_too_many_rejected(facts), *_one_outcome(facts))
    stops += too_few_left(facts.replaced_by, facts.torn)
    stops += cannot_replace(facts.absent, facts.older)
    changes, allowed = _large_changes(facts), facts.terms.allow_change
    flags = (*_leaks(facts), *_lacks(facts), *_torn(facts), *_unended(facts), *_spoilt(facts))
    flags += older_rows(facts.counted.rows, facts.older, all_older=facts.is_older)
    flags += (*_unusual(facts), *_moved(facts), *beside_sample(facts.sample))
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
    who = "nobody" if churned == 0 else "everybody"
    return (f"{who} of {rows:,} customers left: is the Churn column right?",)


def _leaks(facts: Facts) -> tuple[str, ...]:
    names = ", ".join(facts.leaks)
    return (f"columns that tell the answer were left out: {names}",) if names else ()


def _lacks(facts: Facts) -> tuple[str, ...]:
    names = ", ".join(facts.lacks)
    return (f"the file lacks {names}, which is then unknown",) if names else ()


def _torn(facts: Facts) -> tuple[str, ...]:
    rows = facts.counted.rows
    if facts.torn <= _COLUMN_SPOILT * rows:
        return ()
    return (f"{facts.torn:,} of {rows:,} lines ({facts.torn / rows:.2%}) are no rows",)


def _unended(facts: Facts) -> tuple[str, ...]:
    if not facts.unended:
        return ()
    return (f"the file does not end with a line end, so it may be cut within {facts.unended}",)


def _spoilt(facts: Facts) -> tuple[str, ...]:
    rows = facts.counted.rows
    return tuple(
        f"{spoilt.field}: {spoilt.number:,} of {rows:,} values ({spoilt.number / rows:.2%}) "
        f"{spoilt.trouble.value}"
        for spoilt in facts.spoilt
        if spoilt.number > _COLUMN_SPOILT * rows
    )
