"""Reads outcomes from a stream in pieces: a JSON array, NDJSON or CSV."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from churn.core import json_input
from churn.core.errors import InvalidOutcomeError, Problem
from churn.pipeline.batch.csv_text import CsvHead, numbered, text_of
from churn.pipeline.batch.elements import Elements
from churn.pipeline.batch.line_splitter import CsvLineSplitter, LineSplitter
from churn.warehouse.outcomes.outcome import NAMES, Outcome, own_name, parse_outcome

LONGEST_HEADER = 1 << 16
"""In bytes."""


@dataclass(frozen=True)
class Row:
    """An outcome, or why the row has none; ``line`` counts from 1, for JSON arrays elements."""

    line: int
    found: Outcome | InvalidOutcomeError


class Reader(Protocol):
    """Reads a stream in pieces."""

    def feed(self, piece: bytes, *, last: bool = False) -> Iterator[Row]:
        """Yield the rows that are complete now.

        Raises:
            InvalidInputError: the rest of the stream cannot be read.
        """


def parse_object(raw: bytes, now: datetime) -> Outcome:
    """Return the outcome of a JSON object.

    Raises:
        InvalidOutcomeError: it is none.
    """
    try:
        content = json_input.load(raw.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise _unreadable(f"is not JSON: {error}") from None
    if not isinstance(content, dict):
        raise _unreadable("is not a JSON object")
    return parse_outcome(content, now)


class ArrayReader:
    """Reads the elements of a JSON array; ``most`` is the longest element in bytes."""

    def __init__(self, most: int, now: datetime) -> None:
        self._elements = Elements(most)
        self._most = most
        self._now = now
        self._count = 0

    def feed(self, piece: bytes, *, last: bool = False) -> Iterator[Row]:
        """Yield the rows that are complete now."""
        for element in self._elements.cut(piece, last=last):
            self._count += 1
            yield Row(self._count, _read_object(element, self._most, self._now))


class NdjsonReader:
    """Reads one JSON object per line; blank lines are skipped."""

    def __init__(self, most: int, now: datetime) -> None:
        self._lines = LineSplitter(most)
        self._most = most
        self._now = now
        self._count = 0
        self._is_first = True

    def feed(self, piece: bytes, *, last: bool = False) -> Iterator[Row]:
        """Yield the rows that are complete now."""
        for block in self._lines.cut(piece, last=last):
            lines = (None,) if block is None else block.removesuffix(b"\n").split(b"\n")
            for line in lines:
                self._count += 1
                if line is None or line.strip():
                    yield Row(self._count, self._read(line))
                self._is_first = False

    def _read(self, line: bytes | None) -> Outcome | InvalidOutcomeError:
        if line is not None and self._is_first:
            line = line.removeprefix(b"\xef\xbb\xbf")
        return _read_object(line, self._most, self._now)


class CsvReader:
    """Reads CSV with a header; columns that are no field of an outcome are ignored."""

    def __init__(self, most: int, now: datetime, delimiter: str | None = None) -> None:
        self._most = most
        self._now = now
        self._head = CsvHead(LONGEST_HEADER, delimiter)
        self._lines: CsvLineSplitter | None = None
        self._names: Sequence[str | None] = ()
        self._count = 0

    def feed(self, piece: bytes, *, last: bool = False) -> Iterator[Row]:
        """Yield the rows that are complete now."""
        if self._lines is None:
            piece = self._begun(piece, last=last)
        for block in self._lines.cut(piece, last=last) if self._lines else ():
            if block is None:
                self._count += 1
                yield Row(self._count, _too_long(self._most))
            else:
                yield from self._read(text_of(block))

    @property
    def ignored(self) -> Sequence[str]:
        """The columns that are not read."""
        cells = self._head.cells or ()
        return [c for c, name in zip(cells, self._names, strict=False) if name is None]

    def _begun(self, piece: bytes, *, last: bool) -> bytes:
        rest = self._head.feed(piece, last=last)
        if self._head.cells is not None:
            self._names = _columns(self._head.cells)
            self._lines = CsvLineSplitter(self._most, self._head.delimiter)
            self._count = self._head.lines
        return rest

    def _read(self, text: str) -> Iterator[Row]:
        for place, cells in numbered(text, self._head.delimiter):
            if cells:
                yield Row(self._count + place + 1, self._outcome(cells))
        self._count += text.count("\n")

    def _outcome(self, cells: Sequence[str]) -> Outcome | InvalidOutcomeError:
        width = len(self._names)
        if len(cells) != width:
            problem = Problem("row", f"{len(cells)} cells", f"{width} cells, as the header has")
            return InvalidOutcomeError((problem,))
        raw = {n: cell for n, cell in zip(self._names, cells, strict=True) if n is not None}
        try:
            return parse_outcome(raw, self._now)
        except InvalidOutcomeError as error:
            return error


def _columns(header: Sequence[str]) -> Sequence[str | None]:
    """Return the field of each column.

    Raises:
        InvalidOutcomeError: a field is there twice, or none is.
    """
    names = [own_name(cell) for cell in header]
    for place, name in enumerate(names):
        if name is not None and name in names[:place]:
            raise InvalidOutcomeError((Problem(header[place], "a column", f"{name} only once"),))
    if not any(names):
        expected = f"some of {', '.join(NAMES)}"
        raise InvalidOutcomeError((Problem("header", ",".join(header), expected),))
    return names


def _read_object(raw: bytes | None, most: int, now: datetime) -> Outcome | InvalidOutcomeError:
    if raw is None:
        return _too_long(most)
    try:
        return parse_object(raw, now)
    except InvalidOutcomeError as error:
        return error


def _too_long(most: int) -> InvalidOutcomeError:
    return InvalidOutcomeError((Problem("row", "too long", f"at most {most:,} bytes"),))


def _unreadable(reason: str) -> InvalidOutcomeError:
    return InvalidOutcomeError((Problem("row", reason, "a JSON object of an outcome"),))
