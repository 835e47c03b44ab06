"""Cuts the stream of a batch into rows, in each format that there is."""

import codecs
import csv
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum, StrEnum
from typing import Final, Protocol

from churn.customer import Known
from churn.errors import InvalidCustomerError, Problem
from serving.api.batch_rows import (
    ROW_ID,
    Cells,
    Rows,
    Table,
    Unreadable,
    cells_of,
    read_known,
    rows_of,
)
from serving.api.problems import ProblemError
from serving.api.reading import read_object

_DELIMITERS: Final = ",;\t|"
_LONGEST_ID: Final = 200
_TOO_LONG: Final = "a row takes at most {:,} bytes"


class Format(StrEnum):
    """A media type that batches are read and written in."""

    JSON = "application/json"
    NDJSON = "application/x-ndjson"
    CSV = "text/csv"


ALIASES: Final = {
    **{one.value: one for one in Format},
    "application/ndjson": Format.NDJSON,
    "application/jsonl": Format.NDJSON,
    "application/csv": Format.CSV,
}


class Reader(Protocol):
    """Takes a stream in pieces and gives its rows, as far as they are complete."""

    def feed(self, piece: bytes, *, last: bool = False) -> list[Rows]:
        """Return the rows that are complete now.

        Raises:
            InvalidCustomerError: nothing of what follows can be read.
        """


class _Lines:
    """Keeps what is left of a line that is not complete."""

    def __init__(self, most: int) -> None:
        self._rest = b""
        self._most = most

    def cut(self, piece: bytes, *, last: bool, quotes: bool) -> Iterator[bytes]:
        """Yield whole lines; with quotes a line's end within a pair of them is none.

        What begins with a quote that is never closed, or is too long, is cut after its first line.
        """
        content = self._rest + piece
        while content:
            ends_well = last and not (quotes and content.count(b'"') % 2)
            end = len(content) if ends_well else _last_end(content, quotes=quotes)
            if not end and not last and len(content) <= self._most:
                break
            end = end or content.find(b"\n") + 1 or len(content)
            yield content[:end]
            content = content[end:]
        self._rest = content


def _last_end(content: bytes, *, quotes: bool) -> int:
    end = content.rfind(b"\n") + 1
    if not quotes or b'"' not in content:
        return end
    inside = content.count(b'"', 0, end) % 2
    while end and inside:
        earlier = content.rfind(b"\n", 0, end - 1) + 1
        inside ^= content.count(b'"', earlier, end) % 2
        end = earlier
    return end


class CsvReader:
    """Reads CSV with a header; comma, semicolon, tab or bar part its cells."""

    def __init__(self, most: int) -> None:
        self._lines = _Lines(most)
        self._most = most
        self._table: Table | None = None
        self._delimiter = ","

    def feed(self, piece: bytes, *, last: bool = False) -> list[Rows]:
        """Return the rows that are complete now."""
        found = [self._read(lines) for lines in self._lines.cut(piece, last=last, quotes=True)]
        if self._table is None and last:
            raise Unreadable("CSV begins with a header; this has none")
        return [rows for rows in found if rows]

    def _read(self, lines: bytes) -> Rows | None:
        text = lines.decode(errors="surrogateescape").replace("\r\n", "\n")
        text = text.replace("\r", " ")  # alone it is no line's end, and csv would refuse it
        if self._table is None:
            text = self._begin(text)
        if self._table is None or not text:
            return None
        cells = _plain_cells(text, self._delimiter, self._table.width)
        if cells is None:
            rows = [row for row in self._parsed(text) if row]
            cells = cells_of(rows, self._table.width)
        return self._table.read(cells) if cells.size else None

    def _begin(self, text: str) -> str:
        """Read the header and return what comes after it."""
        header, _, rest = text.removeprefix("\ufeff").lstrip("\n").partition("\n")
        if header:
            self._delimiter = max(_DELIMITERS, key=header.count)
            self._table = Table(next(iter(self._parsed(header))))
        return rest

    def _parsed(self, text: str) -> Iterator[list[str]]:
        try:
            yield from csv.reader(map("{}\n".format, text.split("\n")), delimiter=self._delimiter)
        except csv.Error as error:
            raise Unreadable(f"this is not CSV: {error}") from None


def _plain_cells(text: str, delimiter: str, width: int) -> Cells | None:
    """Return cells of lines without quotes that all have as many, several times as fast as csv."""
    if '"' in text:
        return None
    end = "" if text.endswith("\n") else "\n"
    flat = (text + end).replace("\n", f"{delimiter}\n{delimiter}").split(delimiter)
    ends = flat[width :: width + 1]
    lines = text.count("\n") + len(end)
    if not lines == len(ends) == ends.count("\n") or len(flat) != (width + 1) * lines + 1:
        return None
    return Cells([flat[place : -1 : width + 1] for place in range(width)], len(ends))


class NdjsonReader:
    """Reads one JSON object per line."""

    def __init__(self, most: int) -> None:
        self._lines = _Lines(most)
        self._most = most

    def feed(self, piece: bytes, *, last: bool = False) -> list[Rows]:
        """Return the rows that are complete now."""
        parts = self._lines.cut(piece, last=last, quotes=False)
        lines = (line for part in parts for line in part.split(b"\n"))
        found = [self._read(line) for line in lines if line.strip()]
        return [_rows(found)] if found else []

    def _read(self, line: bytes) -> object:
        if len(line) > self._most:
            return Unreadable(_TOO_LONG.format(self._most))
        try:
            return read_object(line)
        except ProblemError as error:
            return Unreadable(error.detail)


class _Twice:
    """Stands for an object that has a name twice."""


class ArrayReader:
    """Reads the objects of a JSON array as they come."""

    def __init__(self, most: int) -> None:
        self._decode = json.JSONDecoder(object_pairs_hook=_each_once).raw_decode
        self._text = codecs.getincrementaldecoder("utf-8")()
        self._rest = ""
        self._most = most
        self._expects = _Expects.OPENING

    def feed(self, piece: bytes, *, last: bool = False) -> list[Rows]:
        """Return the rows that are complete now."""
        try:
            self._rest += self._text.decode(piece, last)
        except UnicodeDecodeError as error:
            raise Unreadable(f"this is not UTF-8: {error.reason}") from None
        found: list[object] = []
        place = 0
        while (at := self._next(place)) is not None:
            place = at
            if self._expects is _Expects.VALUE:
                if (value := self._value(_past_space(self._rest, place), last=last)) is None:
                    break
                found.append(value[0])
                place = value[1]
        self._rest = self._rest[_past_space(self._rest, place) :]
        if last and self._expects is not _Expects.NOTHING:
            raise Unreadable("the JSON array is not closed")
        return [_rows(found)] if found else []

    def _next(self, place: int) -> int | None:
        """Step over what comes before a value; return where to go on, or None at the end."""
        place = _past_space(self._rest, place)
        sign = self._rest[place : place + 1]
        if not sign or self._expects is _Expects.VALUE:
            return place if sign else None
        following = _STEPS.get((self._expects, sign))
        if following is None and self._expects is _Expects.FIRST:
            self._expects = _Expects.VALUE
            return place
        if following is None:
            raise Unreadable(f"this is no JSON array of objects: {sign!r} is in the wrong place")
        self._expects = following
        return place + 1

    def _value(self, place: int, *, last: bool) -> tuple[object, int] | None:
        if not last and _number_end(self._rest, place) == len(self._rest) > place:
            return None  # more digits may follow
        try:
            found = self._decode(self._rest, place)
        except (ValueError, RecursionError) as error:
            if not last and len(self._rest) - place <= self._most:
                return None  # it may only be incomplete
            raise Unreadable(f"this is no JSON array of objects: {error}") from None
        self._expects = _Expects.COMMA
        return found


class _Expects(Enum):
    OPENING = "["
    FIRST = "a value or ]"
    VALUE = "a value"
    COMMA = ", or ]"
    NOTHING = ""


_NUMBER: Final = re.compile(r"[-+.0-9eE]+")
_SOLID: Final = re.compile(r"[^ \t\r\n]")
_STEPS: Final = {
    (_Expects.OPENING, "["): _Expects.FIRST,
    (_Expects.FIRST, "]"): _Expects.NOTHING,
    (_Expects.COMMA, ","): _Expects.VALUE,
    (_Expects.COMMA, "]"): _Expects.NOTHING,
}


def _past_space(text: str, place: int) -> int:
    found = _SOLID.search(text, place)
    return found.start() if found else len(text)


def _number_end(text: str, place: int) -> int:
    found = _NUMBER.match(text, place)
    return found.end() if found else place


def _each_once(pairs: list[tuple[str, object]]) -> object:
    content = dict(pairs)
    return content if len(content) == len(pairs) else _Twice()


def _rows(found: Sequence[object]) -> Rows:
    row_ids = [_own_id(one) for one in found]
    return rows_of([_known(one) for one in found], row_ids)


def _own_id(row: object) -> str:
    own = row.get(ROW_ID) if isinstance(row, dict) else None
    return own if isinstance(own, str) else ""


def _known(row: object) -> Known | InvalidCustomerError:
    if isinstance(row, InvalidCustomerError):
        return row
    if isinstance(row, _Twice):
        return Unreadable("a name is there twice")
    if not isinstance(row, dict):
        return Unreadable('this is not a JSON object such as {"tenure": 5}')
    own = row.get(ROW_ID)
    if own is not None and not (isinstance(own, str) and 0 < len(own) <= _LONGEST_ID):
        expected = f"a text of 1 to {_LONGEST_ID} characters"
        return InvalidCustomerError((Problem(ROW_ID, own, expected),))
    return read_known({name: value for name, value in row.items() if name != ROW_ID})


READERS: Final[Mapping[Format, Callable[[int], Reader]]] = {
    Format.JSON: ArrayReader,
    Format.NDJSON: NdjsonReader,
    Format.CSV: CsvReader,
}
