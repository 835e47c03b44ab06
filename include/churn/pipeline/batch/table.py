"""Rows of cells under a header: read by look-ups, and row by row only where those fail."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from churn.core.errors import InvalidCustomerError, Problem
from churn.customer import description
from churn.customer.description import CHURN, CUSTOMER_ID, FEATURES, Customer, normalised
from churn.customer.identifier import LONGEST_IDENTIFIER, is_identifier, normalised_identifier
from churn.model.block import (
    CHOICES,
    NUMBERS,
    UNKNOWN,
    Block,
    Codes,
    Mask,
    Numbers,
    completed_block,
    describes_something,
    replaced,
)
from churn.pipeline.batch import spellings
from churn.pipeline.batch.rows import ROW_ID, Rows, is_row_id, read_customer, wrong_row_id
from churn.pipeline.batch.spellings import ODD

_NAMES: Final = {
    normalised(ROW_ID): ROW_ID,
    **{outside: field.name for outside, field in description.BY_OUTSIDE_NAME.items()},
}


@dataclass(frozen=True)
class Cells:
    """Cells by column; rows with a wrong number of cells are blank, and their width is kept."""

    columns: Sequence[Sequence[str]]
    size: int
    misshapen: Mapping[int, int] = field(default_factory=dict)


def cells_of(rows: list[list[str]], width: int) -> Cells:
    """Return rows of cells by column."""
    misshapen = {place: len(row) for place, row in enumerate(rows) if len(row) != width}
    whole = [[""] * width if place in misshapen else row for place, row in enumerate(rows)]
    return Cells(list(zip(*whole, strict=True)), len(rows), misshapen)


class Table:
    """Reads rows of cells under a header.

    Raises:
        InvalidCustomerError: the header has a field twice, or none.
    """

    def __init__(self, header: Sequence[str]) -> None:
        self.width = len(header)
        self._places = _places(header)
        self._codes = {field.name: spellings.CodeLookup(field) for field in CHOICES}
        self._amounts = {field.name: spellings.AmountLookup(field) for field in NUMBERS}

    def read(self, cells: Cells) -> Rows:
        """Return the rows of the cells."""
        columns = cells.columns
        ids = self._column(cells, CUSTOMER_ID.name)
        normalised_ids = list(map(normalised_identifier, ids or [""] * cells.size))
        block, is_slow = _completed(self._given_codes(cells), self._given_numbers(cells))
        if ids is not None:
            is_slow |= _odd_ids(ids, normalised_ids)
        own = self._column(cells, ROW_ID) or ()
        if own:
            is_slow |= np.array([bool(one) and not is_row_id(one) for one in own])
        places = np.flatnonzero(is_slow).tolist()
        found = {p: self._customer(columns, p) for p in places if p not in cells.misshapen}
        customers = {p: o for p, o in found.items() if not isinstance(o, InvalidCustomerError)}
        errors = {p: o for p, o in found.items() if isinstance(o, InvalidCustomerError)}
        return Rows(
            replaced(block, customers),
            normalised_ids,
            errors | self._misshapen(cells.misshapen),
            own,
            lambda place: "\x1f".join(column[place] for column in columns),
        )

    def _misshapen(self, misshapen: Mapping[int, int]) -> dict[int, InvalidCustomerError]:
        expected = f"{self.width} cells, as the header has"
        return {
            place: InvalidCustomerError((Problem("row", f"{width} cells", expected),))
            for place, width in misshapen.items()
        }

    def _given_codes(self, cells: Cells) -> dict[str, Codes]:
        return {
            name: np.full(cells.size, UNKNOWN, np.int32)
            if (column := self._column(cells, name)) is None
            else np.fromiter(map(known.__getitem__, column), np.int32, cells.size)
            for name, known in self._codes.items()
        }

    def _given_numbers(self, cells: Cells) -> dict[str, Numbers]:
        return {
            name: np.full(cells.size, np.nan)
            if (column := self._column(cells, name)) is None
            else np.fromiter(map(known.__getitem__, column), np.float64, cells.size)
            for name, known in self._amounts.items()
        }

    def _column(self, cells: Cells, name: str) -> Sequence[str] | None:
        place = self._places.get(name)
        return None if place is None else cells.columns[place]

    def _customer(
        self, columns: Sequence[Sequence[str]], row: int
    ) -> Customer | InvalidCustomerError:
        places = self._places.items()
        cells = {name: columns[place][row] for name, place in places}
        own = cells.pop(ROW_ID, "")
        return wrong_row_id(own) if own and not is_row_id(own) else read_customer(cells)


def _places(header: Sequence[str]) -> Mapping[str, int]:
    """Return the column of each field; other columns are ignored."""
    places: dict[str, int] = {}
    for place, cell in enumerate(header):
        name = _NAMES.get(normalised(cell.strip()))
        if name is None or name == CHURN.name:
            continue
        if name in places:
            raise InvalidCustomerError((Problem(cell, "a column", f"{name} only once"),))
        places[name] = place
    if places.keys().isdisjoint(field.name for field in FEATURES):
        names = ", ".join(field.name for field in FEATURES)
        raise InvalidCustomerError((Problem("header", ",".join(header), f"some of {names}"),))
    return places


def _odd_ids(ids: Sequence[str], normalised_ids: Sequence[str]) -> Mask:
    """Return which customers' ids are none, so that the slow path has to report them."""
    text = "".join(ids)
    if text.isascii() and text.isprintable() and max(map(len, ids)) <= LONGEST_IDENTIFIER:
        return np.zeros(len(ids), bool)
    both = zip(ids, normalised_ids, strict=True)
    return np.array([not is_identifier(one) and bool(given.strip()) for given, one in both])


def _completed(codes: Mapping[str, Codes], amounts: Mapping[str, Numbers]) -> tuple[Block, Mask]:
    """Return what follows filled in, and which rows the slow path has to read."""
    columns = (*codes.values(), *amounts.values())
    odd = np.logical_or.reduce([column == ODD for column in columns])
    numbers = {n: np.where(column == ODD, np.nan, column) for n, column in amounts.items()}
    done = completed_block(codes, numbers)
    return done.block, odd | done.contradicts | ~describes_something(done.block)
