"""The parts of scoring that are the same for every pattern of known fields.

A pattern's weights per column become *points*: one for each value of a choice or flag, one for
each numeric column (times its z), and one for each field that is known in part.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from churn.customer import description
from churn.customer.description import DEPENDENCIES, TOTAL_CHARGES, Customer, Dependency
from churn.customer.field import Value
from churn.model.columns import DesignColumn
from churn.model.scorecard import Scorecard, WeightedColumn

KnownMask = frozenset[str]
"""The names of the known fields, and tokens of those known in part (``internet_service!=No``)."""

ColumnMask = NDArray[np.bool_]
"""Which design columns are known, shape (columns,)."""


@dataclass(frozen=True)
class Number:
    """A column of a numeric field, and where its point stands."""

    field: str
    design: DesignColumn
    column: WeightedColumn
    place: int

    def z(self, customer: Customer) -> float:
        """Return the standardised column for a customer."""
        return self.column.standardise(self.design.of(customer[self.field]))


@dataclass(frozen=True)
class PointLayout:
    """Where each point stands, and which columns it is made of.

    ``design`` has shape (points, columns); ``partly`` gives the field of each token, and its
    point's place; ``columns_of`` has the columns that a field or token determines.
    """

    fields: frozenset[str]
    places: Mapping[str, Mapping[Value, int]]
    numbers: tuple[Number, ...]
    partly: Mapping[str, tuple[str, int]]
    design: NDArray[np.float64]
    columns_of: Mapping[str, ColumnMask]

    def known_mask(self, customer: Customer) -> KnownMask:
        """Return which fields of a customer are known, in whole or in part."""
        mask = self.fields.intersection(customer)
        # Total charges of 0 mean no more than tenure 0; as an amount they are far off the others.
        if customer.get(TOTAL_CHARGES.name) == 0:
            mask -= {TOTAL_CHARGES.name}
        for dependency in DEPENDENCIES:
            if dependency.parent.name not in customer and _knows_child(dependency, customer):
                mask |= {token(dependency)}
        return mask

    def known_columns(self, mask: Iterable[str]) -> ColumnMask:
        """Return which columns are known."""
        known = np.zeros(self.design.shape[1], dtype=bool)
        for name in mask:
            known |= self.columns_of[name]
        return known

    def answered(self, field: str) -> ColumnMask:
        """Return which columns an answer to the question for a field would determine."""
        parents = [d for d in DEPENDENCIES if any(child.name == field for child in d.children)]
        return self.known_columns((field, *map(token, parents)))


def token(dependency: Dependency) -> str:
    """Return the token for: the parent does not have the dependency's value."""
    return f"{dependency.parent.name}!={dependency.parent.label(dependency.value)}"


def _knows_child(dependency: Dependency, customer: Customer) -> bool:
    return any(child.name in customer for child in dependency.children)


def lay_out(scorecard: Scorecard) -> PointLayout:
    """Return the layout of a scorecard's points."""
    columns = scorecard.columns
    columns_of = {name: _mask(c.field == name for c in columns) for name in scorecard.fields}
    for dependency in DEPENDENCIES:
        columns_of[token(dependency)] = _mask(_is_settled(dependency, c) for c in columns)
    rows: list[NDArray[np.float64]] = []
    places = {
        name: {value: _place(rows, _row(columns, name, value)) for value in values}
        for name, values in _choices(columns).items()
    }
    numbers = tuple(
        Number(column.field, column.design, column, _place(rows, np.eye(len(columns))[j]))
        for j, column in enumerate(columns)
        if description.BY_NAME[column.field].is_number
    )
    partly = {
        token(d): (d.parent.name, _place(rows, _partial_row(columns, d))) for d in DEPENDENCIES
    }
    return PointLayout(scorecard.fields, places, numbers, partly, np.array(rows), columns_of)


def _mask(flags: Iterable[bool]) -> ColumnMask:
    return np.array(list(flags), dtype=bool)


def _place(rows: list[NDArray[np.float64]], row: NDArray[np.float64]) -> int:
    rows.append(row)
    return len(rows) - 1


def _choices(columns: Sequence[WeightedColumn]) -> Mapping[str, tuple[Value, ...]]:
    fields = (description.BY_NAME[column.field] for column in columns)
    return {field.name: field.values for field in fields if not field.is_number}


def _row(columns: Sequence[WeightedColumn], field: str, value: Value) -> NDArray[np.float64]:
    """Return z for a value of a choice, and 0 for the columns of other fields."""
    return np.array([c.standardised(value) if c.field == field else 0.0 for c in columns])


def _partial_row(columns: Sequence[WeightedColumn], dependency: Dependency) -> NDArray[np.float64]:
    other = _others(dependency)[0]
    return np.array([c.standardised(other) if _is_settled(dependency, c) else 0.0 for c in columns])


def _is_settled(dependency: Dependency, column: WeightedColumn) -> bool:
    """Whether a column of the parent is the same for every value but the dependency's."""
    if column.field != dependency.parent.name:
        return False
    return len({column.standardised(value) for value in _others(dependency)}) == 1


def _others(dependency: Dependency) -> list[Value]:
    return [value for value in dependency.parent.values if value != dependency.value]
