"""What of scoring is the same for every pattern of known fields.

A pattern's weights per column become *points*: one for each value of a choice or flag, one for
each numeric column (times its z), and one for each field that is known in part.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from churn.customer import description
from churn.customer.description import DEPENDENCIES, TOTAL_CHARGES, Dependency, Known
from churn.customer.field import Value
from churn.model.columns import DesignColumn
from churn.model.scorecard import Scorecard, WeightedColumn

Evidence = frozenset[str]
"""The fields that are known, and what is known of others in part (``internet_service!=No``)."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Number:
    """A column of a numeric field, and where its point stands."""

    field: str
    design: DesignColumn
    column: WeightedColumn
    place: int

    def z(self, known: Known) -> float:
        """Return the standardised column for a customer."""
        return self.column.standardise(self.design.of(known[self.field]))


@dataclass(frozen=True)
class Layout:
    """Where each point stands, and which columns tell it.

    ``design`` has shape (points, columns); ``partly`` gives the field that a token of the
    evidence tells of, and its point's place; ``told_by`` has a mask of columns by field or token.
    """

    fields: frozenset[str]
    places: Mapping[str, Mapping[Value, int]]
    numbers: tuple[Number, ...]
    partly: Mapping[str, tuple[str, int]]
    design: NDArray[np.float64]
    told_by: Mapping[str, Mask]

    def evidence(self, known: Known) -> Evidence:
        """Return what is known of a completed customer."""
        fields = self.fields.intersection(known)
        # Nothing billed yet says no more than tenure 0 does; as an amount it is far off the others.
        if known.get(TOTAL_CHARGES.name) == 0:
            fields -= {TOTAL_CHARGES.name}
        for dependency in DEPENDENCIES:
            if dependency.parent.name not in known and _child_told(dependency, known):
                fields |= {token(dependency)}
        return fields

    def told(self, evidence: Iterable[str]) -> Mask:
        """Return which columns are known, shape (columns,)."""
        told = np.zeros(self.design.shape[1], dtype=bool)
        for name in evidence:
            told |= self.told_by[name]
        return told

    def answered(self, field: str) -> Mask:
        """Return which columns an answer to the question for a field would tell."""
        parents = [d for d in DEPENDENCIES if any(child.name == field for child in d.children)]
        return self.told((field, *map(token, parents)))


def token(dependency: Dependency) -> str:
    """Return what stands in the evidence for: the parent does not have the dependency's value."""
    return f"{dependency.parent.name}!={dependency.parent.label(dependency.value)}"


def _child_told(dependency: Dependency, known: Known) -> bool:
    return any(child.name in known for child in dependency.children)


def lay_out(scorecard: Scorecard) -> Layout:
    """Return the layout of a scorecard's points."""
    columns = scorecard.columns
    told_by = {name: _mask(c.field == name for c in columns) for name in scorecard.fields}
    for dependency in DEPENDENCIES:
        told_by[token(dependency)] = _mask(_is_settled(dependency, c) for c in columns)
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
    return Layout(scorecard.fields, places, numbers, partly, np.array(rows), told_by)


def _mask(flags: Iterable[bool]) -> Mask:
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
