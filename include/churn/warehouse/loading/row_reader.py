"""The slow path through a file: line by line, so that only a malformed line is rejected."""

import csv
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from churn.warehouse.loading.content import LONGEST_LINE, LineTooLongError

_MOST_WHOLE: Final = 0.9
"""If this share of the lines below an open quote are whole rows, the quote is a mistake."""
_OPEN_QUOTE: Final = "a quote is not closed where the cell ends"
_LONGEST_CELL: Final = 1 << 20
"""Of a quoted cell of several lines."""

csv.field_size_limit(LONGEST_LINE)  # a long cell has a reason of its own


@dataclass(frozen=True)
class FileRow:
    """A row of the file: its first line, its text, and its cells or why it is malformed."""

    line: int
    raw: str
    cells: tuple[str, ...]
    malformed: str | None = None


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    text: str
    trouble: str | None


class _Quoting(Enum):
    CLOSED = auto()
    OPEN = auto()
    BROKEN = auto()


def read_rows(
    chunks: Iterable[bytes], *, encoding: str, shown_encoding: str, delimiter: str, width: int
) -> Iterator[FileRow]:
    """Yield every row below the header; lines without any text are not rows.

    ``shown_encoding`` is the encoding of the file, for the reasons.

    Raises:
        LineTooLongError: a quoted cell is longer than any customer's.
    """
    lines = _decoded(split_lines(chunks), encoding, shown_encoding)
    next(lines, None)
    return _Reader(lines, delimiter, width).records()


class _Reader:
    """Joins lines to rows; after a stray quote, the lines below it are read again."""

    def __init__(self, lines: Iterator[_Line], delimiter: str, width: int) -> None:
        self._lines = lines
        self._again: deque[_Line] = deque()
        self._delimiter = delimiter
        self._width = width

    def records(self) -> Iterator[FileRow]:
        """Yield every row."""
        while (line := self._next()) is not None:
            if line.trouble or line.text.strip(" "):
                yield from self._records_from(line)

    def _next(self) -> _Line | None:
        return self._again.popleft() if self._again else next(self._lines, None)

    def _records_from(self, first: _Line) -> Iterator[FileRow]:
        """Yield the row that starts on a line; any text in a quoted cell is data."""
        block, quoting, cells = self._block(first)
        trouble = next((line.trouble for line in block if line.trouble), None)
        reason = trouble or self._reason(quoting, len(cells))
        if reason is None:
            yield FileRow(first.number, _text(block), cells)
        elif self._is_stray(block, quoting):
            self._again.extendleft(reversed(block[1:]))
            yield FileRow(first.number, first.text, (), first.trouble or _OPEN_QUOTE)
        else:
            yield from _rejected(block, reason)

    def _block(self, first: _Line) -> tuple[list[_Line], _Quoting, tuple[str, ...]]:
        """Return a line, the lines that its open quote includes, and their cells."""
        block, size = [first], len(first.text)
        quoting, cells = self._parse(first.text)
        while quoting is _Quoting.OPEN and (line := self._next()) is not None:
            block.append(line)
            quoting, cells = self._parse(f'"{line.text}')
            size += len(line.text) + 1
            if size > _LONGEST_CELL and quoting is _Quoting.OPEN:
                self._require_stray(block)
                return block, _Quoting.BROKEN, ()
        if len(block) > 1 and quoting is _Quoting.CLOSED:
            quoting, cells = self._parse(_text(block))
        return block, quoting, cells

    def _parse(self, text: str) -> tuple[_Quoting, tuple[str, ...]]:
        try:
            row = next(csv.reader([text], delimiter=self._delimiter, strict=True), ())
        except csv.Error as error:
            is_open = "end of data" in str(error)
            return _Quoting.OPEN if is_open else _Quoting.BROKEN, ()
        return _Quoting.CLOSED, tuple(row)

    def _reason(self, quoting: _Quoting, cells: int) -> str | None:
        if quoting is not _Quoting.CLOSED:
            return _OPEN_QUOTE
        if cells != self._width:
            return f"has {cells} cells where the header has {self._width}"
        return None

    def _require_stray(self, block: list[_Line]) -> None:
        has_rows = any(self._is_whole(line.text) for line in block[1:])
        if not has_rows or not self._is_stray(block, _Quoting.OPEN):
            raise LineTooLongError(
                f"the quoted cell that is open on line {block[0].number:,} is longer than "
                f"{_LONGEST_CELL >> 20} MB"
            )

    def _is_stray(self, block: list[_Line], quoting: _Quoting) -> bool:
        """Whether the first line's quote is a mistake, as the lines below it are whole rows.

        If another quote closes it, the first line must be a whole row without the quote, too.
        """
        first, *others = block
        if quoting is _Quoting.CLOSED and not self._is_whole(first.text.replace('"', "")):
            return False
        texts = [line.text for line in others[:-1] if line.text.strip(" ")]
        return sum(map(self._is_whole, texts)) >= _MOST_WHOLE * len(texts)

    def _is_whole(self, text: str) -> bool:
        return len(self._parse(text)[1]) == self._width


def _text(block: list[_Line]) -> str:
    return block[0].text if len(block) == 1 else "\n".join(line.text for line in block)


def _rejected(block: list[_Line], reason: str) -> Iterator[FileRow]:
    """Yield each line of a malformed row, so that every line is counted."""
    first, *others = block
    yield FileRow(first.number, first.text, (), reason)
    for line in others:
        if line.text.strip(" "):
            inside = f"is part of the row that starts on line {first.number}, where {reason}"
            yield FileRow(line.number, line.text, (), line.trouble or inside)


def split_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    r"""Yield lines without their ends, be those ``\n``, ``\r\n`` or ``\r``."""
    rest = b""
    for chunk in chunks:
        data = rest + chunk
        held = b"\r" if data.endswith(b"\r") else b""  # its \n may come with the next chunk
        data = data.removesuffix(held).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *whole, rest = data.split(b"\n")
        rest += held
        yield from whole
    if rest:
        yield rest.removesuffix(b"\r")


def _decoded(lines: Iterable[bytes], encoding: str, shown_encoding: str) -> Iterator[_Line]:
    for number, line in enumerate(lines, start=1):
        try:
            text, trouble = line.decode(encoding), None
        except UnicodeDecodeError:
            text, trouble = (
                line.decode(encoding, errors="backslashreplace"),
                f"is not {shown_encoding}",
            )
        if "\x00" in text:
            text, trouble = text.replace("\x00", "\\x00"), "has a NUL byte"
        yield _Line(number, text, trouble)
