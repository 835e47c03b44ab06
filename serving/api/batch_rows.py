"""Rows of a batch by column: read with look-ups, and with care only where that is not enough."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from churn import customer
from churn.customer import CHURN, CUSTOMER_ID, FEATURES, TENURE, TOTAL_CHARGES, Known, normalised
from churn.errors import InvalidCustomerError, Problem
from churn.field import Field, Value
from churn.model.block import (
    CHOICES,
    NUMBERS,
    UNKNOWN,
    Block,
    Codes,
    Mask,
    Numbers,
    block_of,
    completed_block,
    describes_something,
)
from churn.parsing import parse_customer

ROW_ID = "row_id"
"""The column with the caller's own id of a row."""

_ODD = -2
_BLANK_AMOUNT = -1.0
_LONGEST_ID = 200
_MOST_SPELLINGS = 50_000

Errors = Mapping[int, InvalidCustomerError]


class Unreadable(InvalidCustomerError):  # noqa: N818 - it is an answer, and seldom raised
    """A row, or what is left of a batch, of which no field can be told."""

    def __init__(self, detail: str) -> None:
        super().__init__(())
        self.args = (detail,)


@dataclass(frozen=True)
class Rows:
    """Rows in their order: what is known of each, or why it cannot be read, by its place.

    ``keys`` has what stands for a row's content, and its own id if it has one.
    """

    block: Block
    customer_ids: Sequence[str]
    errors: Errors
    row_ids: Sequence[str] = ()
    contents: Callable[[int], str] = field(default=str)

    def __len__(self) -> int:
        return len(self.customer_ids)


@dataclass(frozen=True)
class Cells:
    """Cells by column; ``torn`` rows had another number of cells, and are blank."""

    columns: Sequence[Sequence[str]]
    size: int
    torn: Mapping[int, int] = field(default_factory=dict)


def cells_of(rows: list[list[str]], width: int) -> Cells:
    """Return rows of cells by column."""
    torn = {place: len(row) for place, row in enumerate(rows) if len(row) != width}
    whole = [[""] * width if place in torn else row for place, row in enumerate(rows)]
    return Cells(list(zip(*whole, strict=True)), len(rows), torn)


class _Codes(dict[str, int]):
    """The code of each spelling of a choice that came along."""

    def __init__(self, of: Field) -> None:
        super().__init__()
        self._of = of

    def __missing__(self, cell: str) -> int:
        code = self._read(cell)
        if len(self) < _MOST_SPELLINGS:
            self[cell] = code
        return code

    def _read(self, cell: str) -> int:
        known = _alone(self._of, cell)
        return UNKNOWN if known is None else _ODD if known is _REJECTED else self._place(known)

    def _place(self, value: object) -> int:
        return next(place for place, one in enumerate(self._of.values) if one == value)


class _Amounts(dict[str, float]):
    """The number of each spelling that came along."""

    def __init__(self, of: Field) -> None:
        super().__init__()
        self._of = of

    def __missing__(self, cell: str) -> float:
        if len(self) >= _MOST_SPELLINGS:
            self.clear()
        number = self[cell] = self._read(cell)
        return number

    def _read(self, cell: str) -> float:
        if self._of is TOTAL_CHARGES and not cell.strip():
            return _BLANK_AMOUNT
        known = _alone(self._of, cell)
        return np.nan if known is None else _ODD if known is _REJECTED else float(str(known))


_REJECTED = object()


def _alone(of: Field, cell: str) -> object:
    """Return the value of a cell, None where it is blank, or that it is none of the field's."""
    if not cell.strip():
        return None
    try:
        return parse_customer({of.name: cell})[of.name]
    except InvalidCustomerError:
        return _REJECTED


class Table:
    """Reads rows of cells under a header."""

    def __init__(self, header: Sequence[str]) -> None:
        self.width = len(header)
        self._columns = _columns(header)
        self._codes = {field.name: _Codes(field) for field in CHOICES}
        self._amounts = {field.name: _Amounts(field) for field in NUMBERS}

    def read(self, cells: Cells) -> Rows:
        """Return what the cells say; with a torn row or two, they are blank, and errors."""
        columns, size = cells.columns, cells.size
        ids, odd = self._ids(columns, size)
        block, careful = _settled(Block(self._given_codes(cells), self._given_numbers(cells)))
        careful |= odd
        places = np.flatnonzero(careful).tolist()
        found = {p: self._known(columns, p) for p in places if p not in cells.torn}
        errors = {p: one for p, one in found.items() if isinstance(one, InvalidCustomerError)}
        return Rows(
            _patched(
                block,
                {p: one for p, one in found.items() if not isinstance(one, InvalidCustomerError)},
            ),
            ids,
            errors | self._torn(cells.torn),
            columns[self._columns[ROW_ID]] if ROW_ID in self._columns else (),
            lambda place: "\x1f".join(column[place] for column in columns),
        )

    def _torn(self, torn: Mapping[int, int]) -> dict[int, InvalidCustomerError]:
        expected = f"{self.width} cells, as the header has"
        return {
            place: InvalidCustomerError((Problem("row", f"{width} cells", expected),))
            for place, width in torn.items()
        }

    def _given_codes(self, cells: Cells) -> dict[str, Codes]:
        return {
            name: np.fromiter(map(table.__getitem__, column), np.int8, cells.size)
            if (column := self._column(cells, name)) is not None
            else np.full(cells.size, UNKNOWN, np.int8)
            for name, table in self._codes.items()
        }

    def _given_numbers(self, cells: Cells) -> dict[str, Numbers]:
        return {
            name: np.fromiter(map(table.__getitem__, column), np.float64, cells.size)
            if (column := self._column(cells, name)) is not None
            else np.full(cells.size, np.nan)
            for name, table in self._amounts.items()
        }

    def _column(self, cells: Cells, name: str) -> Sequence[str] | None:
        place = self._columns.get(name)
        return None if place is None else cells.columns[place]

    def _ids(self, columns: Sequence[Sequence[str]], size: int) -> tuple[Sequence[str], Mask]:
        """Return the customers' ids as they stand, and which have to be looked at with care."""
        odd = np.zeros(size, bool)
        if CUSTOMER_ID.name not in self._columns:
            return [""] * size, odd
        ids = columns[self._columns[CUSTOMER_ID.name]]
        if not (all(map(str.isprintable, ids)) and max(map(len, ids)) <= _LONGEST_ID):
            odd[:] = [not (one.isprintable() and len(one) <= _LONGEST_ID) for one in ids]
        return list(map(str.strip, ids)), odd

    def _known(self, columns: Sequence[Sequence[str]], row: int) -> Known | InvalidCustomerError:
        places = self._columns.items()
        cells = {name: columns[place][row] for name, place in places if name != ROW_ID}
        told = {n: c for n, c in cells.items() if c.strip() or n == TOTAL_CHARGES.name}
        return read_known(told)


_NAMES = {
    normalised(ROW_ID): ROW_ID,
    **{outside: field.name for outside, field in customer.BY_OUTSIDE_NAME.items()},
}


def _columns(header: Sequence[str]) -> Mapping[str, int]:
    """Return where each field stands; columns that are no field tell nothing.

    Raises:
        InvalidCustomerError: a field is there twice, or none is.
    """
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


def _settled(given: Block) -> tuple[Block, Mask]:
    """Return what follows filled in, and which rows have to be looked at with care."""
    numbers = dict(given.numbers)
    total = numbers[TOTAL_CHARGES.name]
    blank = total == _BLANK_AMOUNT
    first_month = blank & (numbers[TENURE.name] == 0)
    numbers[TOTAL_CHARGES.name] = np.where(first_month, 0.0, total)
    careful = blank & ~first_month
    for column in (*given.codes.values(), *numbers.values()):
        careful |= column == _ODD
    for name, column in numbers.items():
        numbers[name] = np.where(column < 0, np.nan, column)
    done = completed_block(Block(given.codes, numbers))
    return done.block, careful | done.contradicts | ~describes_something(done.block)


def _patched(block: Block, found: Mapping[int, Known]) -> Block:
    """Put in what was read with care."""
    if found:
        places, some = list(found), block_of(list(found.values()))
        for name, column in some.codes.items():
            block.codes[name][places] = column
        for name, numbers in some.numbers.items():
            block.numbers[name][places] = numbers
    return block


def read_known(raw: Mapping[str, object]) -> Known | InvalidCustomerError:
    """Return what a row says, or why it cannot be read."""
    try:
        known = parse_customer(raw)
    except InvalidCustomerError as error:
        return error
    if any(field.name in known for field in FEATURES):
        return dict(known)
    names = ", ".join(field.name for field in FEATURES)
    return Unreadable(f"give at least one of {names}")


def rows_of(found: Sequence[Known | InvalidCustomerError], row_ids: Sequence[str]) -> Rows:
    """Return rows that were read one by one."""
    knowns: list[dict[str, Value]] = [dict(one) if isinstance(one, dict) else {} for one in found]
    return Rows(
        block_of(knowns),
        [str(known.get(CUSTOMER_ID.name, "")) for known in knowns],
        {p: one for p, one in enumerate(found) if isinstance(one, InvalidCustomerError)},
        row_ids,
        lambda place: repr(sorted(knowns[place].items())),
    )
