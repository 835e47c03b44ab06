"""The distance of two distributions, each given as the count of each value of a column.

The values of a number are bins, four to a doubling, so that amounts of any size have few.
"""

import itertools
import math
from collections.abc import Mapping
from typing import Final

BINS_PER_DOUBLING: Final = 4
_CHANCE: Final = 1e-6

ValueCounts = Mapping[str, int]


def kolmogorov_smirnov(one: ValueCounts, other: ValueCounts) -> float:
    """Return the largest distance of the cumulative shares of a number's bins."""
    bins = sorted({*one, *other}, key=int)
    apart = itertools.accumulate(share_of(one, each) - share_of(other, each) for each in bins)
    return max(map(abs, apart), default=0.0)


def largest_difference(one: ValueCounts, other: ValueCounts) -> float:
    """Return the largest difference of one value's share."""
    return max((abs(share_of(one, v) - share_of(other, v)) for v in {*one, *other}), default=0.0)


def explained_by_chance(rows: int, others: int) -> float:
    """Return the distance that two samples of one distribution exceed once in a million times.

    sqrt(ln(2 / p) / 2 * (1/n + 1/m)): for a share Hoeffding, Probability inequalities for sums of
    bounded random variables, 1963, (2.7); for the Kolmogorov-Smirnov distance the tail of
    Smirnov's limit, 1939, to its leading term.
    """
    return math.sqrt(math.log(2 / _CHANCE) / 2 * (1 / rows + 1 / others))


def went_constant(before: ValueCounts, after: ValueCounts) -> bool:
    """Whether one value is left where chance would have left others, too."""
    if len(after) != 1:
        return False
    share = share_of(before, next(iter(after)))
    return share < 1 and share ** sum(after.values()) < _CHANCE


def share_of(counts: ValueCounts, value: str) -> float:
    """Return which share of the rows has a value."""
    return counts.get(value, 0) / max(1, sum(counts.values()))


def median(counts: ValueCounts) -> str:
    """Return the middle of the bin in which the median lies."""
    half, passed = sum(counts.values()) / 2, 0
    middle = 0.0
    for each in sorted(counts, key=int):
        middle = 2 ** ((int(each) + 0.5) / BINS_PER_DOUBLING) - 1
        passed += counts[each]
        if passed >= half:
            break
    return f"{middle:,.0f}"
