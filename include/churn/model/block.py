"""Many customers by column, for work on all of them at once.

A *code* is a value's place among its field's values; what is not known is ``UNKNOWN`` or NaN. The
rules between fields are those of ``churn.customer.implications``, a column at a time.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from churn.customer.description import BY_NAME, FEATURES, TENURE, Customer
from churn.customer.field import FieldKind, Value
from churn.customer.implications import CONTRADICTION, FAILS, HOLDS, OPEN, RULES, Rule

UNKNOWN = -1

Codes = NDArray[np.int32]
Numbers = NDArray[np.float64]
Mask = NDArray[np.bool_]

CHOICES = tuple(field for field in FEATURES if not field.is_number)
NUMBERS = tuple(field for field in FEATURES if field.is_number)


@dataclass(frozen=True)
class Block:
    """Every field of FEATURES for a number of customers, shape (customers,) each.

    Complete and consistent, as a ``Customer`` is.
    """

    codes: Mapping[str, Codes]
    numbers: Mapping[str, Numbers]

    def __len__(self) -> int:
        return len(self.numbers[TENURE.name])

    def is_known(self, name: str) -> Mask:
        """Return of which customers a field is known."""
        return _is_known(self.codes[name] if name in self.codes else self.numbers[name])

    def only(self, places: NDArray[np.intp]) -> "Block":
        """Return some of the customers."""
        codes = {name: column[places] for name, column in self.codes.items()}
        return Block(codes, {name: column[places] for name, column in self.numbers.items()})

    def customer(self, place: int) -> Customer:
        """Return one of the customers."""
        codes = ((field, int(self.codes[field.name][place])) for field in CHOICES)
        found: dict[str, Value] = {f.name: f.values[code] for f, code in codes if code != UNKNOWN}
        for field in NUMBERS:
            number = float(self.numbers[field.name][place])
            if not math.isnan(number):
                found[field.name] = int(number) if field.kind is FieldKind.COUNT else number
        return Customer(found)

    def customers(self) -> list[Customer]:
        """Return all of the customers."""
        return list(map(self.customer, range(len(self))))


def block_of(customers: Sequence[Customer]) -> Block:
    """Return customers by column."""
    codes = {
        name: np.array([places.get(one.get(name), UNKNOWN) for one in customers], np.int32)
        for name, places in _PLACES.items()
    }
    numbers = {
        field.name: np.array([one.get(field.name, np.nan) for one in customers], np.float64)
        for field in NUMBERS
    }
    return Block(codes, numbers)


_PLACES: Mapping[str, Mapping[Value | None, int]] = {
    field.name: {value: place for place, value in enumerate(field.values)} for field in CHOICES
}


def replaced(block: Block, customers: Mapping[int, Customer]) -> Block:
    """Return a block in which the customers at some places are others."""
    if not customers:
        return block
    places, some = list(customers), block_of(list(customers.values()))
    codes = {name: column.copy() for name, column in block.codes.items()}
    numbers = {name: column.copy() for name, column in block.numbers.items()}
    for name, choices in some.codes.items():
        codes[name][places] = choices
    for name, amounts in some.numbers.items():
        numbers[name][places] = amounts
    return Block(codes, numbers)


@dataclass(frozen=True)
class Completed:
    """A block, and which of its customers contradict themselves: those are no customers."""

    block: Block
    contradicts: Mask


def completed_block(codes: Mapping[str, Codes], numbers: Mapping[str, Numbers]) -> Completed:
    """Fill in what follows from columns as they were given, and find contradictions."""
    columns: dict[str, Codes | Numbers] = {**codes, **numbers}
    contradicts = _any([_apply(rule, columns) for rule in RULES])
    return Completed(
        Block(
            {name: columns[name].astype(np.int32, copy=False) for name in codes},
            {name: columns[name].astype(np.float64, copy=False) for name in numbers},
        ),
        contradicts,
    )


def _apply(rule: Rule, columns: dict[str, Codes | Numbers]) -> Mask:
    """Fill in what a rule implies; return which customers contradict it."""
    shown = [_shown(rule, name, columns[name]) for name in rule.values]
    verdicts = np.bitwise_or.reduce(shown)
    for verdict in (HOLDS, FAILS):
        for name, value in rule.implied(verdict).items():
            is_implied = (verdicts == verdict) & ~_is_known(columns[name])
            columns[name] = np.where(is_implied, _code(name, value), columns[name])
    return np.asarray(verdicts == CONTRADICTION)


def _shown(rule: Rule, name: str, column: Codes | Numbers) -> NDArray[np.int8]:
    """Return what a column's values show of a rule, shape (customers,)."""
    by_equality = [rule.shown(name, is_equal=is_equal) for is_equal in (False, True)]
    is_equal = column == _code(name, rule.values[name])
    return np.where(_is_known(column), np.array(by_equality, np.int8)[is_equal.view(np.int8)], OPEN)


def _code(name: str, value: Value) -> np.int32 | np.float64:
    """Return how a column has a value."""
    values = BY_NAME[name].values
    return np.int32(values.index(value)) if values else np.float64(value)


def _is_known(column: Codes | Numbers) -> Mask:
    return np.asarray(~np.isnan(column) if column.dtype.kind == "f" else column != UNKNOWN)


def _any(masks: Sequence[Mask]) -> Mask:
    return np.asarray(np.logical_or.reduce(masks))


def describes_something(block: Block) -> Mask:
    """Return of which customers at least one field is known."""
    return _any([block.is_known(field.name) for field in FEATURES])
