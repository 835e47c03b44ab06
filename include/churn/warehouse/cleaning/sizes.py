"""How many customers a load may lose: by a replacement, or by a file that is too short."""

import math
import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from churn.customer.description import MIN_PER_CLASS
from churn.warehouse.customers import Population

_FEWEST: Final = 2 * MIN_PER_CLASS
"""Fewer customers are not enough for a model, so losing some is not checked."""
_SMALL: Final = 0.1
_OLDER: Final = 0.1
_ROWS_CHANGED: Final = 0.5
_CHURN_MOVED: Final = 0.05
_SURPRISING_Z: Final = 4.0


@dataclass(frozen=True)
class Counted:
    """How many rows a load has, and how many of the customers churned."""

    rows: int
    churned: int


@dataclass(frozen=True, kw_only=True)
class Absent:
    """The customers that a replacement lacks. ``newer`` have a later snapshot date."""

    known: int
    absent: int
    newer: int
    sample: int
    sample_absent: int

    @property
    def counted(self) -> tuple[int, int]:
        """How many customers are removed, and of how many.

        The shipped sample does not count if the replacement removes all of it.
        """
        replaced = self.sample if self.sample_absent == self.sample else 0
        return self.absent - replaced, self.known - replaced


def usual(loads: Iterable[Counted]) -> Counted | None:
    """Return the medians of rows and of the share churned: one unusual file has little weight."""
    counted = list(loads)
    if not counted:
        return None
    rows = statistics.median_low(one.rows for one in counted)
    share = statistics.median(one.churned / one.rows for one in counted)
    return Counted(rows, round(share * rows))


def expected_rows(loads: list[Counted]) -> int:
    """Return what a whole file is compared with: the last load or the median, the larger."""
    if not loads:
        return 0
    return max(loads[0].rows, statistics.median_high(one.rows for one in loads))


def is_partial(*, rows: int, changed: int, known: int) -> bool:
    """Whether a file is small, and most of its rows are new or changed."""
    return rows < max(_SMALL * known, _FEWEST) and 2 * changed >= rows


def removed(absent: Absent | None, limit: float) -> tuple[str, ...]:
    """Return a problem if a replacement removes too many customers."""
    gone, known = absent.counted if absent else (0, 0)
    if gone <= limit * known:
        return ()
    share = f"{gone:,} of {known:,} customers ({gone / known:.1%})"
    return (f"replacing all customers would remove {share}, over the limit of {limit:.1%}",)


def fell(rows: int, expected: int, limit: float) -> tuple[str, ...]:
    """Return a problem if a file has far fewer rows than the last loads."""
    if expected < _FEWEST or rows >= (1 - limit) * expected:
        return ()
    share = f"{1 - rows / expected:.1%} fewer, over the limit of {limit:.1%}"
    return (f"{rows:,} rows, where the last loads had {expected:,}: {share}",)


def cannot_replace(absent: Absent | None, older: int) -> tuple[str, ...]:
    """Return a problem if a replacement is older than the customers."""
    if absent is None or not (absent.newer or older):
        return ()
    return (
        f"the file cannot replace all customers: {absent.newer + older:,} of them have a "
        "later snapshot date than the file; set the snapshot date if the file is newer",
    )


def too_few_left(left: Population | None, malformed: int) -> tuple[str, ...]:
    """Return a problem if a replacement leaves too few customers, or may lack some."""
    if left is None:
        return ()
    if malformed:
        return (
            f"{malformed:,} lines are not rows, so their customers are unknown; a file that "
            "replaces all customers must be complete",
        )
    churned, retained = left.churned, left.customers - left.churned
    if min(churned, retained) >= MIN_PER_CLASS:
        return ()
    return (
        f"to replace all customers, a file needs at least {MIN_PER_CLASS} churned and "
        f"{MIN_PER_CLASS} retained customers; it would leave {churned} and {retained}",
    )


def rows_moved(now: Counted, last: Counted) -> tuple[str, ...]:
    """Return a problem if the number of rows is unusual."""
    if abs(now.rows / last.rows - 1) <= _ROWS_CHANGED:
        return ()
    return (f"{now.rows:,} rows, where the last loads had {last.rows:,}",)


def churn_moved(now: Counted, last: Counted) -> tuple[str, ...]:
    """Compare the share that churned by the two-sample z-test for proportions (pooled)."""
    if not (last.rows and now.rows):
        return ()
    before, share = last.churned / last.rows, now.churned / now.rows
    pooled = (last.churned + now.churned) / (last.rows + now.rows)
    error = math.sqrt(pooled * (1 - pooled) * (1 / last.rows + 1 / now.rows))
    if abs(share - before) <= max(_CHURN_MOVED, _SURPRISING_Z * error):
        return ()
    return (f"{share:.1%} churned, where it was {before:.1%} in the last loads",)


def older_rows(rows: int, older: int, *, all_older: bool) -> tuple[str, ...]:
    """Return a problem if many rows are older than the customers' own."""
    if all_older:
        return (
            "every known customer in the file has a later snapshot date and is not changed; set "
            "the snapshot date if the file is newer",
        )
    if older <= _OLDER * rows:
        return ()
    return (f"{older:,} of {rows:,} rows are older than the customers' own and changed nothing",)


def mixed_with_sample(sample: int) -> tuple[str, ...]:
    """Return a problem if a company's customers are mixed with the shipped sample."""
    if not sample:
        return ()
    return (
        f"{sample:,} customers are those of the shipped sample, next to others; load the file of "
        "all your customers with --replace (*Replace all customers* in the form) to remove them",
    )
