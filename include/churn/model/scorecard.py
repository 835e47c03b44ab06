"""A scorecard as plain numbers: an intercept, a weight per design column, and how they co-vary.

This is the artifact's reader; it needs neither pandas nor scikit-learn.
"""

import math
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, model_validator

from churn.customer import description
from churn.customer.field import Value
from churn.model.columns import DesignColumn, Transform
from churn.model.document import read_document
from churn.model.score import TOLERANCE

_ROUNDING = 1e-6


class WeightedColumn(BaseModel):
    """A standardised design column ``z = (x - mean) / scale`` and its weight in log-odds.

    ``lowest`` and ``highest`` bound x: the range of the training data, carried by the auxiliary
    columns, whose inferences do not hold far outside of it; a version without them has no bounds.
    ``outcome_covariance`` is that of z with churn (0 or 1) in the training data.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    field: str
    transform: Transform
    value: bool | str | None
    mean: FiniteFloat
    scale: Annotated[FiniteFloat, Field(gt=0)]
    weight: FiniteFloat
    lowest: FiniteFloat | None = None
    highest: FiniteFloat | None = None
    outcome_covariance: FiniteFloat = 0.0

    @property
    def design(self) -> DesignColumn:
        """The design column that this one weighs."""
        return DesignColumn(description.BY_NAME[self.field], self.transform, self.value)

    def standardised(self, value: Value) -> float:
        """Return z for a value of the field."""
        return self.standardise(self.design.of(value))

    def standardise(self, x: float) -> float:
        """Return z for the design column's number, limited to the bounds."""
        if self.lowest is not None and x < self.lowest:
            x = self.lowest
        elif self.highest is not None and x > self.highest:
            x = self.highest
        return (x - self.mean) / self.scale


class Scorecard(BaseModel):
    """``log-odds = intercept + sum of weight * z``; at the average customer every z is 0.

    ``points`` has the same per field value, for people and for readers in other languages;
    ``correlation`` is the second moment of z, shape (columns, columns), and ``base_rate`` the share
    of churned customers, both for unknown fields; a version may lack the latter.
    ``third_moments`` are the means of z_i z_j z_k for i <= j <= k, for intervals; a version may
    lack them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    intercept: FiniteFloat
    base_rate: Annotated[FiniteFloat, Field(gt=0, lt=1)] | None = None
    columns: tuple[WeightedColumn, ...]
    points: Mapping[str, Mapping[str, FiniteFloat]]
    correlation: tuple[tuple[FiniteFloat, ...], ...]
    third_moments: tuple[FiniteFloat, ...] = ()

    @model_validator(mode="after")
    def _is_consistent(self) -> "Scorecard":
        size = len(self.columns)
        if [len(row) for row in self.correlation] != [size] * size:
            raise ValueError(f"correlation is not {size} x {size}")
        if any(abs(moment) > 1 + _ROUNDING for row in self.correlation for moment in row):
            raise ValueError("a correlation is beyond 1")
        if self.third_moments and len(self.third_moments) != math.comb(size + 2, 3):
            raise ValueError(f"third_moments are not those of {size} columns")
        unknown = {c.field for c in self.columns} - set(description.BY_NAME)
        if unknown:
            raise ValueError(f"unknown fields {sorted(unknown)}")
        if any(_is_crossed(column) for column in self.columns):
            raise ValueError("a column's lowest is over its highest")
        if not _agree(points(self.columns), self.points):
            raise ValueError("points and columns do not agree")
        return self

    @property
    def fields(self) -> frozenset[str]:
        """The names of all fields with columns, those without weights included."""
        return frozenset(column.field for column in self.columns)


def _is_crossed(column: WeightedColumn) -> bool:
    lowest, highest = column.lowest, column.highest
    return lowest is not None and highest is not None and lowest > highest


def points(columns: tuple[WeightedColumn, ...]) -> dict[str, dict[str, float]]:
    """Return the log-odds of each value of each choice or flag, relative to the average."""
    table: dict[str, dict[str, float]] = {}
    for column in columns:
        field = description.BY_NAME[column.field]
        if field.is_number:
            continue
        row = table.setdefault(field.name, dict.fromkeys(map(field.label, field.values), 0.0))
        for value in field.values:
            row[field.label(value)] += column.weight * column.standardised(value)
    return table


def _agree(
    one: Mapping[str, Mapping[str, float]], other: Mapping[str, Mapping[str, float]]
) -> bool:
    return {f: set(row) for f, row in one.items()} == {
        f: set(row) for f, row in other.items()
    } and all(
        math.isclose(value, other[field][label], abs_tol=TOLERANCE)
        for field, row in one.items()
        for label, value in row.items()
    )


def read_scorecard(content: bytes) -> Scorecard:
    """Parse ``scorecard.json``.

    Raises:
        ModelRefusedError: naming what is wrong with it.
    """
    return read_document(Scorecard, content, "scorecard.json")
