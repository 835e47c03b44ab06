"""Values of cells: each spelling is parsed once, and looked up from then on."""

from typing import Final

import numpy as np

from churn.core.errors import InvalidCustomerError
from churn.customer.field import Field
from churn.customer.parsing import parse_customer
from churn.model.block import UNKNOWN

ODD: Final = -2
"""Marks a cell without a value of the field, whose row the slow path has to read."""

_MOST: Final = 50_000
_REJECTED: Final = object()


class CodeLookup(dict[str, int]):
    """The code of each spelling of a choice."""

    def __init__(self, of: Field) -> None:
        super().__init__()
        self._of = of

    def __missing__(self, cell: str) -> int:
        code = self._read(cell)
        if len(self) < _MOST:
            self[cell] = code
        return code

    def _read(self, cell: str) -> int:
        known = _alone(self._of, cell)
        return UNKNOWN if known is None else ODD if known is _REJECTED else self._place(known)

    def _place(self, value: object) -> int:
        return next(place for place, one in enumerate(self._of.values) if one == value)


class AmountLookup(dict[str, float]):
    """The number of each spelling; all are forgotten when there are too many."""

    def __init__(self, of: Field) -> None:
        super().__init__()
        self._of = of

    def __missing__(self, cell: str) -> float:
        if len(self) >= _MOST:
            self.clear()
        number = self[cell] = self._read(cell)
        return number

    def _read(self, cell: str) -> float:
        known = _alone(self._of, cell)
        return np.nan if known is None else ODD if known is _REJECTED else float(str(known))


def _alone(of: Field, cell: str) -> object:
    """Return the value of a cell, None where it is blank, ``_REJECTED`` where it has none."""
    if not cell.strip():
        return None
    try:
        return parse_customer({of.name: cell})[of.name]
    except InvalidCustomerError:
        return _REJECTED
