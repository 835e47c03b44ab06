"""Cuts a stream of bytes into whole lines."""

import re
from collections.abc import Iterator
from typing import Final

_LOOK_AHEAD: Final = 16
"""How many times the longest line is kept while a quoted cell is open."""


class LineSplitter:
    """Keeps the incomplete last line; ``most`` is the longest line in bytes.

    The result does not depend on how the stream is cut into pieces.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._rest = b""
        self._is_cut = False
        """Whether the incomplete line is too long already; ``_rest`` is then a placeholder."""

    def cut(self, piece: bytes, *, last: bool) -> Iterator[bytes | None]:
        """Yield blocks of whole lines, and None for each line that is too long."""
        content = self._rest + piece
        place = self._end(content)
        yield from self._parts(content[:place])
        while last and place < len(content):
            first = self._end_of_rest(content, place)
            yield from self._parts(content[place:first])
            place = first + self._end(content[first:])
            yield from self._parts(content[first:place])
        self._rest = self._kept(content[place:])

    def _parts(self, block: bytes) -> Iterator[bytes | None]:
        start = 0
        for begin, end in self._too_long(block):
            if begin > start:
                yield block[start:begin]
            yield None
            start = end
        if start < len(block):
            yield block[start:]

    def _too_long(self, block: bytes) -> Iterator[tuple[int, int]]:
        """Yield where each line that is too long begins and ends."""
        begin = 0
        if self._is_cut and block:
            self._is_cut = False
            begin = self._next_end(block, 0)
            yield 0, begin
        while begin < len(block) and not self._all_fit(block, begin):
            end = self._next_end(block, begin)
            if len(block[begin:end].rstrip(b"\r\n")) > self._most:
                yield begin, end
            begin = end

    def _all_fit(self, block: bytes, begin: int) -> bool:
        """Whether no line can be too long, by a quick check: every half of a line has an end."""
        step = max(self._most // 2, 1)
        starts = range(begin, len(block), step)
        is_short = len(block) - begin <= self._most
        return is_short or all(block.find(b"\n", p, p + step) >= 0 for p in starts)

    def _end(self, content: bytes) -> int:
        """Return where the last complete line ends."""
        return content.rfind(b"\n") + 1

    def _next_end(self, content: bytes, begin: int) -> int:
        return content.find(b"\n", begin) + 1 or len(content)

    def _end_of_rest(self, content: bytes, begin: int) -> int:
        """Return where the first line of the rest ends, at the end of the stream."""
        del begin
        return len(content)

    def _kept(self, rest: bytes) -> bytes:
        if len(rest.rstrip(b"\r")) <= self._most:
            return rest
        self._is_cut = True
        return b"x"


class CsvLineSplitter(LineSplitter):
    """Lines of CSV: within a quoted cell the end of a line is part of the cell.

    A quote that is never closed makes only its own line invalid, as long as the rest is kept.
    """

    def __init__(self, most: int, delimiter: str) -> None:
        super().__init__(most)
        self._delimiter = delimiter.encode()
        part = re.escape(self._delimiter)
        plain = b'(?!")[^%b\n]*+' % part
        quoted = b'"(?:[^"]++|"")*+"(?!")[^%b\n]*+' % part
        cell = b"(?:%b|%b)" % (plain, quoted)
        self._begun = re.compile(b"(?:%b%b)*+" % (cell, part))
        self._line = re.compile(b"(?:%b%b)*+%b\n" % (cell, part, cell))
        self._lines = re.compile(b"(?:(?:%b%b)*+%b\n)*+" % (cell, part, cell))

    def _all_fit(self, block: bytes, begin: int) -> bool:
        is_plain = block.find(b'"', begin) < 0
        return len(block) - begin <= self._most or (is_plain and super()._all_fit(block, begin))

    def _end(self, content: bytes) -> int:
        if b'"' not in content:
            return super()._end(content)
        found = self._lines.match(content)
        return found.end() if found else 0

    def _next_end(self, content: bytes, begin: int) -> int:
        found = self._line.match(content, begin)
        return found.end() if found else len(content)

    def _end_of_rest(self, content: bytes, begin: int) -> int:
        if self._is_cut or self._open_cell(content[begin:] + b"\n") is None:
            return len(content)
        return super()._next_end(content, begin)

    def _kept(self, rest: bytes) -> bytes:
        cell = self._open_cell(rest)
        if cell is None:
            kept = super()._kept(rest)
            is_at_cell = kept != rest and rest.endswith(self._delimiter)
            return kept + self._delimiter if is_at_cell else kept
        if len(rest) <= _LOOK_AHEAD * self._most:
            return rest
        self._is_cut = True
        return b'"x' + _unpaired_quote(cell)

    def _open_cell(self, rest: bytes) -> bytes | None:
        """Return the content of a quoted cell that is not closed yet, None if there is none."""
        found = self._begun.match(rest)
        cell = rest[found.end() if found else 0 :]
        return cell[1:] if cell.startswith(b'"') and not _CLOSED.match(cell) else None


def _unpaired_quote(cell: bytes) -> bytes:
    """Return the quote that an open cell ends with, unless it is the second of a pair.

    What comes next decides whether it is the first of a pair or closes the cell.
    """
    quotes = len(cell) - len(cell.rstrip(b'"'))
    return b'"' if quotes % 2 else b""


_CLOSED: Final = re.compile(rb'"(?:[^"]++|"")*+"[^"]')
