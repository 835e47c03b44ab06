"""The gate between a file and the customers: pass, flag or stop, with the reasons in words."""

import math
import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from churn.customer import MIN_PER_CLASS
from churn.warehouse.customers import Population

LIMIT_REJECTED = 0.05
LOADS_COMPARED = 7
_FEW_ROWS = 1_000
_ROWS_CHANGED = 0.5
_CHURN_MOVED = 0.05
_SURPRISING_Z = 4.0
_COLUMN_SPOILT = 0.001


class Verdict(StrEnum):
    """What becomes of a load."""

    PASS = "pass"  # noqa: S105
    FLAG = "flag"
    STOP = "stop"


@dataclass(frozen=True)
class Counted:
    """How many rows a load has, and how many of them left."""

    rows: int
    churned: int


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
    limit_rejected: float
    spoilt: tuple[Spoilt, ...]
    last: Counted | None
    leaks: tuple[str, ...]
    absent: tuple[str, ...]
    torn: int = 0
    """Lines that are no rows."""
    unended: str = ""
    """The last line, where the file does not end with a line end."""
    replaced_by: Population | None = None
    """The customers that would be left where the file replaces them all."""


@dataclass(frozen=True)
class Judgement:
    """The verdict and what speaks for it."""

    verdict: Verdict
    reasons: tuple[str, ...]


def usual(loads: Iterable[Counted]) -> Counted | None:
    """Return the medians of rows and of the share that left: one odd file is not the measure."""
    counted = list(loads)
    if not counted:
        return None
    rows = statistics.median_low(one.rows for one in counted)
    share = statistics.median(one.churned / one.rows for one in counted)
    return Counted(rows, round(share * rows))


def judge(facts: Facts) -> Judgement:
    """Return the verdict: the worst of all that was found."""
    stops = (*_too_many_rejected(facts), *_one_outcome(facts), *_too_few_left(facts))
    flags = (*_leaks(facts), *_absent(facts), *_torn(facts), *_unended(facts), *_spoilt(facts))
    flags += (*_rows(facts), *_churn(facts))
    verdict = Verdict.STOP if stops else Verdict.FLAG if flags else Verdict.PASS
    return Judgement(verdict, (*stops, *flags))


def _too_many_rejected(facts: Facts) -> tuple[str, ...]:
    rows = facts.counted.rows
    if facts.rejected <= facts.limit_rejected * rows:
        return ()
    limit = f"over the limit of {facts.limit_rejected:.1%}"
    return (f"{facts.rejected:,} of {rows:,} rows are not valid customers, {limit}",)


def _one_outcome(facts: Facts) -> tuple[str, ...]:
    rows, churned = facts.counted.rows, facts.counted.churned
    if rows - facts.rejected < _FEW_ROWS or 0 < churned < rows - facts.rejected:
        return ()
    who = "nobody" if churned == 0 else "everybody"
    return (f"{who} of {rows:,} customers left: is the Churn column right?",)


def _too_few_left(facts: Facts) -> tuple[str, ...]:
    if facts.replaced_by is None:
        return ()
    if facts.torn:
        return (
            f"{facts.torn:,} lines are no rows, so it cannot be told whose they are; a file that "
            "replaces all customers must be whole",
        )
    left = facts.replaced_by.churned
    stayed = facts.replaced_by.customers - left
    if min(left, stayed) >= MIN_PER_CLASS:
        return ()
    return (
        f"to replace all customers, a file needs at least {MIN_PER_CLASS} who left and "
        f"{MIN_PER_CLASS} who stayed; it would leave {left} and {stayed}",
    )


def _leaks(facts: Facts) -> tuple[str, ...]:
    names = ", ".join(facts.leaks)
    return (f"columns that tell the answer were left out: {names}",) if names else ()


def _absent(facts: Facts) -> tuple[str, ...]:
    names = ", ".join(facts.absent)
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


def _rows(facts: Facts) -> tuple[str, ...]:
    if facts.last is None or abs(facts.counted.rows / facts.last.rows - 1) <= _ROWS_CHANGED:
        return ()
    return (f"{facts.counted.rows:,} rows, where the last loads had {facts.last.rows:,}",)


def _churn(facts: Facts) -> tuple[str, ...]:
    """Compare the share that left by the two-sample z-test for proportions (pooled)."""
    last, now = facts.last, facts.counted
    if last is None or not last.rows or not now.rows:
        return ()
    before, share = last.churned / last.rows, now.churned / now.rows
    pooled = (last.churned + now.churned) / (last.rows + now.rows)
    error = math.sqrt(pooled * (1 - pooled) * (1 / last.rows + 1 / now.rows))
    moved = abs(share - before)
    if moved <= _CHURN_MOVED or moved <= _SURPRISING_Z * error:
        return ()
    return (f"{share:.1%} left, where it was {before:.1%} in the last loads",)
