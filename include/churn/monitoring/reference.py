"""What a version was trained on, as counts: what later predictions are compared with.

``reference.json`` of a version has no rows of customers: of each field, how many customers had each
value, or lay in each bin of a number, and of the score, how many lay in each of 1,000 bins and how
many of those churned. Scores are out of fold.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, FiniteFloat, NonNegativeInt, model_validator

from churn.customer.description import FEATURES
from churn.customer.field import Field, Value
from churn.model.document import read_document
from churn.model.ranking import Floats, Labels
from churn.model.scorecard import Scorecard

FILE: Final = "reference.json"
SCORE_BINS: Final = 1_000
NUMBER_BINS: Final = 64
Integers = NDArray[np.int64]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FieldReference(_Part):
    """How many training customers had each value of a field.

    A choice has ``values`` as the customer file spells them, and after them one bin, for values
    that training did not have. A number has ``edges``: one bin below the first, one between each
    two of them, one from the last on; training had no customer in the outermost two. ``log_odds``
    is the mean that the field adds to a score in each bin, relative to the average customer;
    ``log_loss`` the mean log-loss that the scores themselves promise there.
    """

    field: str
    values: tuple[str, ...] = ()
    edges: tuple[FiniteFloat, ...] = ()
    customers: tuple[NonNegativeInt, ...]
    log_odds: tuple[FiniteFloat, ...]
    log_loss: tuple[FiniteFloat, ...]

    @model_validator(mode="after")
    def _is_consistent(self) -> "FieldReference":
        bins = len(self.values) + 1 if self.values else len(self.edges) + 1
        if {len(self.customers), len(self.log_odds), len(self.log_loss)} != {bins}:
            raise ValueError(f"{self.field} needs {bins} numbers of each kind")
        return self

    @property
    def is_number(self) -> bool:
        """Whether the bins are ranges of a number."""
        return not self.values

    @property
    def counts(self) -> Integers:
        """The customers of each bin, shape (bins,)."""
        return np.array(self.customers, dtype=np.int64)

    def outside(self, window: Integers) -> int:
        """Return how many rows of a window have what training never had."""
        return int(window[self.counts == 0].sum())


class ScoreReference(_Part):
    """How many customers scored in each bin of equal width from 0 to 1, and churned of those."""

    customers: tuple[NonNegativeInt, ...]
    churned: tuple[NonNegativeInt, ...]

    @model_validator(mode="after")
    def _is_consistent(self) -> "ScoreReference":
        if not len(self.customers) == len(self.churned) == SCORE_BINS:
            raise ValueError(f"the score needs {SCORE_BINS} bins")
        if any(c > n for c, n in zip(self.churned, self.customers, strict=True)):
            raise ValueError("more churned than there are customers in a bin of the score")
        return self


class Reference(_Part):
    """The training customers of a version as counts."""

    format: Literal[1] = 1
    fields: tuple[FieldReference, ...]
    score: ScoreReference


def read_reference(content: bytes) -> Reference:
    """Parse ``reference.json``.

    Raises:
        ModelRefusedError: naming what is wrong with it.
    """
    return read_document(Reference, content, FILE)


def bin_centres() -> Floats:
    """Return the middle of each bin of the score."""
    return np.asarray((np.arange(SCORE_BINS) + 0.5) / SCORE_BINS)


def score_bins(p: Floats) -> NDArray[np.intp]:
    """Return the bin of each score."""
    return np.minimum((p * SCORE_BINS).astype(np.intp), SCORE_BINS - 1)


@dataclass(frozen=True)
class TrainingCustomers:
    """The customers to count: their fields, and of each row, shape (rows,), what is known of it.

    ``p`` are out-of-fold scores within (0, 1); ``weights`` is how many customers a row stands for;
    ``edges`` are those of the number fields.
    """

    columns: Mapping[str, Sequence[Value]]
    p: Floats
    y: Labels
    weights: Floats
    scorecard: Scorecard
    edges: Mapping[str, Sequence[float]]

    @cached_property
    def promised(self) -> Floats:
        """The log-loss that each score promises: its entropy."""
        return np.asarray(-(self.p * np.log(self.p) + (1 - self.p) * np.log1p(-self.p)))

    def total(self, bins: NDArray[np.intp], values: Floats | Labels | float, size: int) -> Floats:
        """Return the weighted sum of values in each of so many bins."""
        return np.bincount(bins, self.weights * values, size).astype(float)


def count(customers: TrainingCustomers) -> Reference:
    """Count training customers."""
    bins = score_bins(customers.p)
    return Reference(
        fields=tuple(
            _field(field, customers) for field in FEATURES if field.name in customers.columns
        ),
        score=ScoreReference(
            customers=_whole(customers.total(bins, 1.0, SCORE_BINS)),
            churned=_whole(customers.total(bins, customers.y, SCORE_BINS)),
        ),
    )


def _field(field: Field, customers: TrainingCustomers) -> FieldReference:
    column = np.asarray(customers.columns[field.name])
    distinct, place = np.unique(column, return_inverse=True)
    scorecard, edges = customers.scorecard, customers.edges.get(field.name, ())
    added = np.array([_contribution(scorecard, field, value) for value in distinct.tolist()])[place]
    if field.is_number:
        bins = np.searchsorted(edges, distinct.astype(float), side="right")[place]
    else:
        bins = np.array([field.values.index(value) for value in distinct.tolist()])[place]
    size = (len(edges) if field.is_number else len(field.values)) + 1
    numbers = customers.total(bins, 1.0, size)
    return FieldReference(
        field=field.name,
        values=() if field.is_number else tuple(map(field.label, field.values)),
        edges=tuple(edges) if field.is_number else (),
        customers=_whole(numbers),
        log_odds=_means(customers.total(bins, added, size), numbers),
        log_loss=_means(customers.total(bins, customers.promised, size), numbers),
    )


def _contribution(scorecard: Scorecard, field: Field, value: Value) -> float:
    columns = (column for column in scorecard.columns if column.field == field.name)
    return sum(column.weight * column.standardised(value) for column in columns)


def number_edges(amounts: Floats, lowest: float, highest: float) -> tuple[float, ...]:
    """Return the edges of about 64 bins with equally many of the amounts, between two bounds."""
    inner = np.quantile(amounts, np.linspace(0, 1, NUMBER_BINS + 1)[1:-1])
    between = [float(one) for one in np.unique(inner) if lowest < one <= highest]
    return (lowest, *between, float(np.nextafter(highest, np.inf)))


def _whole(counts: Floats) -> tuple[int, ...]:
    return tuple(np.rint(counts).astype(int).tolist())


def _means(sums: Floats, customers: Floats) -> tuple[float, ...]:
    """Return means; a bin without customers has that of the nearest one with customers."""
    filled = np.flatnonzero(customers > 0)
    nearest = filled[np.abs(np.arange(len(sums))[:, None] - filled).argmin(axis=1)]
    return tuple((sums[nearest] / customers[nearest]).round(9).tolist())
