"""Customers in few bytes each: what a model is fitted on, however many they are."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from churn.customer.description import CHURN, CUSTOMER_ID
from churn.customer.field import Field, FieldKind
from churn.customer.look_alikes import Hashes, hashes, leaders
from churn.customer.profile import AMOUNTS, DIGITS
from churn.model.columns import DesignColumn, Transform

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]

_BLOCK: Final = 1 << 16


@dataclass(frozen=True)
class Encoded:
    """Customers by the number of their profile, their amounts, and how many each row stands for.

    ``amounts`` are by the names of the fields in money; every array has the shape (rows,).
    """

    codes: NDArray[np.int64]
    amounts: Mapping[str, Floats]
    weights: Floats

    @classmethod
    def of(cls, frame: "pd.DataFrame", weights: Floats | None = None) -> "Encoded":
        """Encode the customers of a frame."""
        codes = sum(
            _indices(digit.field, frame[name]) * digit.factor for name, digit in DIGITS.items()
        )
        return cls(
            np.asarray(codes, dtype=np.int64),
            {field.name: np.asarray(frame[field.name], dtype=float) for field in AMOUNTS},
            np.ones(len(frame)) if weights is None else weights,
        )

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def y(self) -> NDArray[np.int64]:
        """1 for churned customers."""
        return self._index(CHURN)

    def take(self, rows: "slice | NDArray[np.bool_]") -> "Encoded":
        """Return some of the rows."""
        amounts = {name: values[rows] for name, values in self.amounts.items()}
        return Encoded(self.codes[rows], amounts, self.weights[rows])

    def blocks(self) -> Iterator["Encoded"]:
        """Yield all rows, some ten thousand at a time."""
        return (self.take(slice(i, i + _BLOCK)) for i in range(0, len(self), _BLOCK))

    def profiles(self) -> "Encoded":
        """Return one row per profile and outcome, which stands for all customers like that.

        A logistic regression on weighted rows has the same log-likelihood, term by term, so it is
        the same fit (McCullagh & Nelder 1989, section 4.3). The amounts are the profile's
        means.
        """
        codes, places = np.unique(self.codes, return_inverse=True)
        weights = np.bincount(places, self.weights).astype(float)
        amounts = {
            name: np.bincount(places, self.weights * values) / weights
            for name, values in self.amounts.items()
        }
        return Encoded(codes, amounts, weights)

    def matrix(self, columns: Sequence[DesignColumn]) -> Floats:
        """Return the design matrix, shape (rows, columns), each column contiguous."""
        found = np.empty((len(self), len(columns)), order="F")
        for place, column in enumerate(columns):
            found[:, place] = self._values(column)
        return found

    def _values(self, column: DesignColumn) -> Floats:
        if column.transform is Transform.EQUALS:
            index = column.field.values.index(column.value)
            return np.asarray(self._index(column.field) == index, dtype=float)
        numbers = self._numbers(column.field)
        return np.log1p(numbers) if column.transform is Transform.LOG1P else numbers

    def _numbers(self, field: Field) -> Floats:
        if field.name in self.amounts:
            return self.amounts[field.name]
        return self._index(field).astype(float)

    def _index(self, field: Field) -> NDArray[np.int64]:
        digit = DIGITS[field.name]
        return self.codes // digit.factor % digit.base


def leaders_of(frame: "pd.DataFrame") -> Hashes:
    """Return the hash of each customer's leader among those of a frame."""
    return leaders(Encoded.of(frame).codes, hashes(frame[CUSTOMER_ID.name]))


def _indices(field: Field, values: "pd.Series[Any]") -> NDArray[np.int64]:
    """Return the index of each value among the field's; a count is its own."""
    import pandas as pd

    if field.kind is FieldKind.COUNT:
        return np.asarray(values, dtype=np.int64)
    found = np.asarray(pd.Index(list(field.values)).get_indexer(pd.Index(values)), dtype=np.int64)
    if (found < 0).any():
        raise ValueError(f"{field.name}: a value is none of {field.allowed}")
    return found
