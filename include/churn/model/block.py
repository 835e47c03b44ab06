"""Many customers by column, for work on all of them at once.

A *code* is a value's place among its field's values; what is not known is ``UNKNOWN`` or NaN. The
rules between fields are those of ``churn.customer.implications`` and
``churn.customer.parsing``, a column at a time.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from churn.customer.description import (
    DEPENDENCIES,
    FEATURES,
    TENURE,
    TOTAL_CHARGES,
    Dependency,
    Known,
)
from churn.customer.field import Kind, Value

UNKNOWN = -1

Codes = NDArray[np.int32]
Numbers = NDArray[np.float64]
Mask = NDArray[np.bool_]

CHOICES = tuple(field for field in FEATURES if not field.is_number)
NUMBERS = tuple(field for field in FEATURES if field.is_number)


@dataclass(frozen=True)
class Block:
    """Every field of FEATURES for a number of customers, shape (customers,) each."""

    codes: Mapping[str, Codes]
    numbers: Mapping[str, Numbers]

    def __len__(self) -> int:
        return len(self.numbers[TENURE.name])

    def is_known(self, name: str) -> Mask:
        """Return of which customers a field is known."""
        if name in self.codes:
            return np.asarray(self.codes[name] != UNKNOWN)
        return ~np.isnan(self.numbers[name])

    def only(self, places: NDArray[np.intp]) -> "Block":
        """Return some of the customers."""
        codes = {name: column[places] for name, column in self.codes.items()}
        return Block(codes, {name: column[places] for name, column in self.numbers.items()})

    def known(self, place: int) -> Known:
        """Return what is known of one customer."""
        codes = ((field, int(self.codes[field.name][place])) for field in CHOICES)
        found: dict[str, Value] = {f.name: f.values[code] for f, code in codes if code != UNKNOWN}
        for field in NUMBERS:
            number = float(self.numbers[field.name][place])
            if not math.isnan(number):
                found[field.name] = int(number) if field.kind is Kind.COUNT else number
        return found


def block_of(rows: Sequence[Known]) -> Block:
    """Return customers, already completed, by column."""
    codes = {
        name: np.array([places.get(row.get(name), UNKNOWN) for row in rows], np.int32)
        for name, places in _PLACES.items()
    }
    numbers = {
        field.name: np.array([row.get(field.name, np.nan) for row in rows], np.float64)
        for field in NUMBERS
    }
    return Block(codes, numbers)


_PLACES: Mapping[str, Mapping[Value | None, int]] = {
    field.name: {value: place for place, value in enumerate(field.values)} for field in CHOICES
}


def replaced(block: Block, customers: Mapping[int, Known]) -> Block:
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
    """Customers with what follows filled in, and which of them contradict themselves."""

    block: Block
    contradicts: Mask


def completed_block(block: Block) -> Completed:
    """Fill in what follows from what is known, and find contradictions."""
    codes, numbers = dict(block.codes), dict(block.numbers)
    contradicts = np.zeros(len(block), bool)
    for dependency in DEPENDENCIES:
        contradicts |= _settle(dependency, codes)
    total, tenure = numbers[TOTAL_CHARGES.name], numbers[TENURE.name]
    contradicts |= (tenure == 0) & (total > 0)
    numbers[TOTAL_CHARGES.name] = np.where(np.isnan(total) & (tenure == 0), 0.0, total)
    return Completed(Block(codes, numbers), contradicts)


def _settle(dependency: Dependency, codes: dict[str, Codes]) -> Mask:
    """Fill one dependency's fields in; return who contradicts it."""
    parent = dependency.parent
    value = parent.values.index(dependency.value)
    children = {child.name: child.values.index(dependency.forced) for child in dependency.children}
    forced = _any([codes[name] == code for name, code in children.items()])
    told = _any([codes[name] != UNKNOWN for name in children])
    given = codes[parent.name]
    unknown = given == UNKNOWN
    holds = np.where(unknown, forced, given == value)
    given = np.where(unknown & holds, np.int32(value), given)
    if len(parent.values) == 2:  # noqa: PLR2004 - a yes or a no
        given = np.where(unknown & told & ~holds, np.int32(1 - value), given)
    codes[parent.name] = given
    wrong = np.zeros(len(given), bool)
    for name, code in children.items():
        column = codes[name]
        wrong |= (column != UNKNOWN) & (given != UNKNOWN) & ((column == code) != holds)
        codes[name] = np.where(holds & (column == UNKNOWN), np.int32(code), column)
    return wrong


def _any(masks: Sequence[Mask]) -> Mask:
    return np.asarray(np.logical_or.reduce(masks))


def describes_something(block: Block) -> Mask:
    """Return of which customers at least one field is known."""
    return _any([block.is_known(field.name) for field in FEATURES])
