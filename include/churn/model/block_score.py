"""Scores many customers at once, as ``Conditioner.score`` scores each.

Customers with the same known fields share a pattern, and under a pattern each column is one look-up
per customer. Sums, logarithms and exponentials are those of ``math`` as there, so that the doubles
are the same to the last bit: numpy's differ from one processor to the next.
"""

import math
from array import array
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from churn.customer.description import BY_NAME, DEPENDENCIES, TOTAL_CHARGES
from churn.model.block import Block, Mask
from churn.model.columns import Transform
from churn.model.conditioning import Conditioner
from churn.model.pattern import LEAST_SPREAD, Pattern
from churn.model.point_layout import Number, PointLayout, token
from churn.model.score import Z_90, sigmoid

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class BlockScore:
    """Probabilities and their intervals, shape (customers,) each."""

    probability: Floats
    low: Floats
    high: Floats


def score_block(conditioner: Conditioner, block: Block) -> BlockScore:
    """Score the customers of a block."""
    layout = conditioner.layout
    names, bits = _known_masks(layout, block)
    log_odds, variance = np.empty(len(block)), np.empty(len(block))
    spread = np.empty(len(block))
    for some in np.unique(bits):
        rows = np.flatnonzero(bits == some)
        mask = frozenset(name for place, name in enumerate(names) if int(some) >> place & 1)
        pattern = conditioner.pattern(mask)
        score = _PatternRows(pattern, layout, block, rows)
        log_odds[rows], variance[rows] = score.log_odds(), pattern.variance
        spread[rows] = score.spread()
    probability = _each(sigmoid, log_odds / np.sqrt(1 + math.pi * variance / 8))  # as shrunk
    if not variance.any():
        return BlockScore(probability, probability.copy(), probability.copy())
    reach = Z_90 * np.sqrt(spread)
    return BlockScore(
        probability, _each(sigmoid, log_odds - reach), _each(sigmoid, log_odds + reach)
    )


def _each(function: Callable[[float], float], values: Floats) -> Floats:
    return np.fromiter(map(function, values.tolist()), np.float64, len(values))


def _known_masks(layout: PointLayout, block: Block) -> tuple[list[str], NDArray[np.int64]]:
    """Return what a ``KnownMask`` may contain, and for each customer a bit for each of it."""
    names: list[str] = []
    bits = np.zeros(len(block), np.int64)
    for name, is_known in _known_parts(layout, block):
        bits |= is_known.astype(np.int64) << len(names)
        names.append(name)
    return names, bits


def _known_parts(layout: PointLayout, block: Block) -> Iterable[tuple[str, Mask]]:
    """Yield each part of ``PointLayout.known_mask``, and which customers have it."""
    for name in sorted(layout.fields):
        known = block.is_known(name)
        if name == TOTAL_CHARGES.name:
            known &= block.numbers[name] != 0
        yield name, known
    for dependency in DEPENDENCIES:
        children = [block.is_known(child.name) for child in dependency.children]
        unknown = ~block.is_known(dependency.parent.name)
        yield token(dependency), unknown & np.logical_or.reduce(children)


@dataclass(frozen=True)
class _PatternRows:
    """The customers of a block with one pattern."""

    pattern: Pattern
    layout: PointLayout
    block: Block
    rows: NDArray[np.intp]

    def log_odds(self) -> Floats:
        return self._sums(self.pattern.base, self.pattern.points)

    def spread(self) -> Floats | float:
        variance, points = self.pattern.variance, self.pattern.spread
        if points is None:
            return variance
        return np.maximum(self._sums(variance, points), LEAST_SPREAD * variance)

    def _sums(self, base: float, values: "array[float]") -> Floats:
        points = np.frombuffer(values)
        parts: list[Iterable[float]] = [
            repeat(base),
            *(repeat(points[place]) for _, place in self.pattern.partly),
        ]
        for name in self.pattern.choices:
            places = [self.layout.places[name][value] for value in BY_NAME[name].values]
            parts.append(points[places][self.block.codes[name][self.rows]].tolist())
        parts += [values.tolist() for values in self._of_numbers(points).values()]
        sums = map(math.fsum, zip(*parts, strict=False))  # constants repeat without end
        return np.fromiter(sums, np.float64, len(self.rows))

    def _of_numbers(self, points: Floats) -> Mapping[str, Floats]:
        """Return the points of each numeric field, added up over its columns."""
        found: dict[str, Floats] = {}
        for number in self.pattern.numbers:
            z = _standardised(number, self.block.numbers[number.field][self.rows])
            found[number.field] = found.get(number.field, 0.0) + points[number.place] * z
        return found


def _standardised(number: Number, values: Floats) -> Floats:
    column = number.column
    x = _each(math.log1p, values) if number.design.transform is Transform.LOG1P else values
    if column.lowest is not None or column.highest is not None:
        x = np.clip(x, column.lowest, column.highest)
    return (x - column.mean) / column.scale
