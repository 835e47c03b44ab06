"""Keeps single customers' numbers out of what is published of a model."""

import random
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from churn.customer.description import DEPENDENCIES, FEATURES
from churn.customer.field import Field, FieldKind, Value
from churn.model.columns import Transform
from churn.model.ranking import Floats
from churn.model.scorecard import Scorecard

_SIGNIFICANT: Final = 3
_CROWD: Final = 10
"""A bound is that of so many customers, not of the one who is furthest out."""

_DECIMALS: Final = 6
"""Of an invented amount: with so many, no real one equals it."""


def coarse(amounts: Floats) -> Floats:
    """Return amounts to three significant digits, so that one does not point to a customer."""
    size = np.floor(np.log10(np.maximum(np.abs(amounts), 1e-9)))
    step = 10.0 ** (size - _SIGNIFICANT + 1)
    return np.asarray(np.round(np.round(amounts / step) * step, 9), dtype=float)


def crowded_range(amounts: Floats) -> tuple[float, float]:
    """Return between which amounts nearly all customers lie: ten at each end lie beyond or at it.

    Rounded as by ``coarse``.
    """
    place = min(_CROWD, len(amounts)) - 1
    ordered = np.partition(amounts, [place, len(amounts) - 1 - place])
    low, high = coarse(ordered[[place, len(amounts) - 1 - place]])
    return float(low), float(high)


def invented_customers(
    scorecard: Scorecard, number: int, seed: int
) -> Sequence[Mapping[str, Value]]:
    """Return invented customers: each field drawn by itself, then made consistent.

    Amounts lie within the scorecard's bounds.
    """
    draw = random.Random(seed)  # noqa: S311 - it is to be the same again
    most = {
        column.field: column.highest
        for column in scorecard.columns
        if column.transform is Transform.IDENTITY and column.highest is not None
    }
    return [_consistent({f.name: _drawn(draw, f, most) for f in FEATURES}) for _ in range(number)]


def _drawn(draw: random.Random, field: Field, most: dict[str, float]) -> Value:
    if field.kind is FieldKind.MONEY:
        return round(draw.uniform(0, most[field.name]), _DECIMALS)
    if field.kind is FieldKind.COUNT:
        return draw.randint(1, int(most[field.name]))
    return draw.choice(field.values)


def _consistent(drawn: dict[str, Value]) -> Mapping[str, Value]:
    """Let every parent decide about its children."""
    for dependency in DEPENDENCIES:
        holds = drawn[dependency.parent.name] == dependency.value
        for child in dependency.children:
            others = [value for value in child.values if value != dependency.forced]
            if holds or drawn[child.name] == dependency.forced:
                drawn[child.name] = dependency.forced if holds else others[0]
    return drawn
