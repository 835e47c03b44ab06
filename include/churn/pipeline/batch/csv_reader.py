"""Reads CSV."""

import csv
from collections.abc import Iterator
from typing import Final

from churn.pipeline.batch.line_splitter import CsvLineSplitter
from churn.pipeline.batch.rows import Rows, Unreadable, rows_of, too_long
from churn.pipeline.batch.table import Cells, Table, cells_of

_DELIMITERS: Final = ",;\t|"
_MARK: Final = b"\xef\xbb\xbf"


csv.field_size_limit((1 << 31) - 1)  # rows have their own limit


class CsvReader:
    """Reads CSV with a header; the delimiter is a comma, semicolon, tab or vertical bar."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._head = b""
        self._lines: CsvLineSplitter | None = None
        self._table: Table | None = None
        self._delimiter = ","

    def feed(self, piece: bytes, *, last: bool = False) -> Iterator[Rows]:
        """Yield the rows that are complete now."""
        if self._lines is None:
            piece = self._begun(piece, last=last)
        if self._lines is None:
            return
        for block in self._lines.cut(piece, last=last):
            rows = rows_of([too_long(self._most)], [""]) if block is None else self._read(block)
            if rows:
                yield rows

    def _begun(self, piece: bytes, *, last: bool) -> bytes:
        """Read the header, once it is complete, and return what comes after it."""
        self._head += piece
        head, end, rest = self._head.removeprefix(_MARK).lstrip(b"\r\n").partition(b"\n")
        if len(head) > self._most:
            raise too_long(self._most)
        if not (end or last):
            return b""
        header = head.removesuffix(b"\r").decode(errors="surrogateescape")
        if not header:
            raise Unreadable("CSV begins with a header; this has none")
        if "\r" in header:
            raise Unreadable("lines end with \\n or \\r\\n; here the header has \\r alone")
        self._delimiter = max(_DELIMITERS, key=header.count)
        self._table = Table(next(iter(self._parsed(header))))
        self._lines = CsvLineSplitter(self._most, self._delimiter)
        return rest

    def _read(self, lines: bytes) -> Rows | None:
        text = lines.decode(errors="surrogateescape").replace("\r\n", "\n")
        text = text.replace("\r", " ")  # alone it ends no line, and csv refuses it
        if self._table is None or not text:
            return None
        cells = _plain_cells(text, self._delimiter, self._table.width)
        if cells is None:
            rows = [row for row in self._parsed(text) if row]
            cells = cells_of(rows, self._table.width)
        return self._table.read(cells) if cells.size else None

    def _parsed(self, text: str) -> Iterator[list[str]]:
        try:
            yield from csv.reader(map("{}\n".format, text.split("\n")), delimiter=self._delimiter)
        except csv.Error as error:
            raise Unreadable(f"this is not CSV: {error}") from None


def _plain_cells(text: str, delimiter: str, width: int) -> Cells | None:
    """Return the cells of lines without quotes and of equal width, several times as fast as csv."""
    if '"' in text:
        return None
    end = "" if text.endswith("\n") else "\n"
    flat = (text + end).replace("\n", f"{delimiter}\n{delimiter}").split(delimiter)
    ends = flat[width :: width + 1]
    lines = text.count("\n") + len(end)
    if not lines == len(ends) == ends.count("\n") or len(flat) != (width + 1) * lines + 1:
        return None
    return Cells([flat[place : -1 : width + 1] for place in range(width)], len(ends))
