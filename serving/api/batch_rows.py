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
    Mask,
    block_of,
    completed_block,
    describes_something,
)
from churn.parsing import parse_customer

ROW_ID = "row_id"
"""The column with the caller's own id of a row."""

_ODD = -2
_BLANK_AMOUNT = -1.0
_MOST_SPELLINGS = 50_000

Errors = Mapping[int, InvalidCustomerError]


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

    def read(self, rows: list[list[str]]) -> Rows:
        """Return what rows say; each has at least one cell."""
        errors = self._torn(rows)
        for place in errors:
            rows[place] = [""] * self.width
        columns = list(zip(*rows, strict=True))
        given = Block(*self._given(columns, len(rows)))
        ids, odd = self._ids(columns, len(rows))
        block, careful = _settled(given)
        careful |= odd
        found = {place: self._known(rows[place]) for place in np.flatnonzero(careful).tolist()}
        return Rows(
            _patched(block, {p: one for p, one in found.items() if isinstance(one, dict)}),
            ids,
            {p: e for p, e in found.items() if isinstance(e, InvalidCustomerError)} | errors,
            columns[self._columns[ROW_ID]] if ROW_ID in self._columns else (),
            lambda place: "\x1f".join(rows[place]),
        )

    def _torn(self, rows: list[list[str]]) -> dict[int, InvalidCustomerError]:
        if set(map(len, rows)) == {self.width}:
            return {}
        lengths = enumerate(map(len, rows))
        expected = f"{self.width} cells, as the header has"
        return {
            place: InvalidCustomerError((Problem("row", f"{length} cells", expected),))
            for place, length in lengths
            if length != self.width
        }

    def _given(
        self, columns: Sequence[Sequence[str]], size: int
    ) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:  # type: ignore[type-arg]
        codes = {
            name: self._column(columns, name, table, np.int8, UNKNOWN, size)
            for name, table in self._codes.items()
        }
        numbers = {
            name: self._column(columns, name, table, np.float64, np.nan, size)
            for name, table in self._amounts.items()
        }
        return codes, numbers

    def _column(self, columns, name, table, kind, unknown, size):  # type: ignore[no-untyped-def]
        if name not in self._columns:
            return np.full(size, unknown, kind)
        return np.fromiter(map(table.__getitem__, columns[self._columns[name]]), kind, size)

    def _ids(self, columns: Sequence[Sequence[str]], size: int) -> tuple[Sequence[str], Mask]:
        """Return the customers' ids as they stand, and which have to be looked at with care."""
        odd = np.zeros(size, bool)
        if CUSTOMER_ID.name not in self._columns:
            return [""] * size, odd
        ids = columns[self._columns[CUSTOMER_ID.name]]
        if not (all(map(str.isprintable, ids)) and max(map(len, ids)) <= 200):  # noqa: PLR2004
            odd[:] = [not (one.isprintable() and len(one) <= 200) for one in ids]  # noqa: PLR2004
        return list(map(str.strip, ids)), odd

    def _known(self, row: Sequence[str]) -> Known | InvalidCustomerError:
        cells = {name: row[place] for name, place in self._columns.items() if name != ROW_ID}
        told = {n: c for n, c in cells.items() if c.strip() or n == TOTAL_CHARGES.name}
        return read_known(told)


def _columns(header: Sequence[str]) -> Mapping[str, int]:
    """Return where each field stands; columns that are no field tell nothing.

    Raises:
        InvalidCustomerError: a field is there twice, or none is.
    """
    places: dict[str, int] = {}
    for place, cell in enumerate(header):
        of = customer.BY_OUTSIDE_NAME.get(normalised(cell.strip()))
        name = ROW_ID if normalised(cell.strip()) == normalised(ROW_ID) else of and of.name
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
    return InvalidCustomerError((Problem("row", None, f"at least one of {names}"),))


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
