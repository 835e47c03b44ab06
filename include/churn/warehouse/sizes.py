"""How many customers a load may lose: by a replacement, or by a file with fewer rows than usual."""

import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from churn.customer import MIN_PER_CLASS

_FEWEST: Final = 2 * MIN_PER_CLASS
"""So few customers are no base to lose: no model can be trained on them."""
_SMALL: Final = 0.1


@dataclass(frozen=True)
class Counted:
    """How many rows a load has, and how many of the customers churned."""

    rows: int
    churned: int


@dataclass(frozen=True, kw_only=True)
class Absent:
    """The customers that a replacement does not have. ``newer`` are known as of a later day."""

    known: int
    absent: int
    newer: int
    sample: int
    sample_absent: int

    @property
    def counted(self) -> tuple[int, int]:
        """How many customers are removed, and of how many.

        The shipped sample does not count where all of it leaves for a company's own customers.
        """
        leaves = self.sample if self.sample_absent == self.sample else 0
        return self.absent - leaves, self.known - leaves


def usual(loads: Iterable[Counted]) -> Counted | None:
    """Return the medians of rows and of the share churned: one odd file is not the measure."""
    counted = list(loads)
    if not counted:
        return None
    rows = statistics.median_low(one.rows for one in counted)
    share = statistics.median(one.churned / one.rows for one in counted)
    return Counted(rows, round(share * rows))


def expected_rows(loads: list[Counted]) -> int:
    """Return what a whole file is measured by, the last load or the median: no slow decline."""
    found = usual(loads)
    return max(loads[0].rows, found.rows) if found else 0


def is_partial(*, rows: int, changed: int, known: int) -> bool:
    """Whether a file is small, and most of it is new or changed: it never was a whole one."""
    return rows < _SMALL * known and 2 * changed >= rows


def removed(absent: Absent | None, limit: float) -> tuple[str, ...]:
    """Return what is wrong with how many customers a replacement removes."""
    gone, known = absent.counted if absent else (0, 0)
    if gone <= limit * known:
        return ()
    share = f"{gone:,} of {known:,} customers ({gone / known:.1%})"
    return (f"replacing all customers would remove {share}, over the limit of {limit:.1%}",)


def fell(rows: int, expected: int, limit: float) -> tuple[str, ...]:
    """Return what is wrong with a file that has fewer rows than usual."""
    if expected < _FEWEST or rows >= (1 - limit) * expected:
        return ()
    share = f"{1 - rows / expected:.1%} fewer, over the limit of {limit:.1%}"
    return (f"{rows:,} rows, where the last loads had {expected:,}: {share}",)


def cannot_replace(absent: Absent | None, older: int) -> tuple[str, ...]:
    """Return why a file that is older than what is known cannot replace it."""
    if absent is None or not (absent.newer or older):
        return ()
    return (
        f"the file cannot replace all customers: {absent.newer + older:,} of them are known as of "
        "a later day than the file's; set the snapshot date if the file is newer than that",
    )
