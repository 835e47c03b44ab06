"""The careful way through a file: every line for itself, so that a broken one is alone in it."""

import csv
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

_MOST_JOINED: Final = 20

_LONGEST: Final = 1 << 24

csv.field_size_limit(_LONGEST)  # a long cell is wrong for other reasons than its length


class LineTooLongError(Exception):
    """A line is longer than any customer's is; what follows it is not looked at."""


@dataclass(frozen=True)
class Record:
    """A row of the file: the line it starts on, its text, its cells or what is wrong with it."""

    line: int
    raw: str
    cells: tuple[str, ...]
    malformed: str | None = None


@dataclass(frozen=True)
class _Line:
    number: int
    text: str
    trouble: str | None


def read_records(
    chunks: Iterable[bytes], *, encoding: str, told_as: str, delimiter: str, width: int
) -> Iterator[Record]:
    """Yield every row below the header; lines without any text are not rows.

    ``told_as`` is the file's own encoding, which the reasons name.
    """
    waiting: list[_Line] = []
    lines = _decoded(split_lines(chunks), encoding, told_as)
    next(lines, None)
    while True:
        line = waiting.pop(0) if waiting else next(lines, None)
        if line is None:
            return
        if line.trouble:
            yield Record(line.number, line.text, (), line.trouble)
        elif line.text.strip(" "):
            yield _record(line, waiting, lines, delimiter, width)


def _record(
    line: _Line, waiting: list[_Line], lines: Iterator[_Line], delimiter: str, width: int
) -> Record:
    """Parse a line; where a quote is left open, with the lines that follow, if that mends it."""
    text = line.text
    for joined in range(_MOST_JOINED):
        cells = _parse(text, delimiter)
        if cells is not None and (joined == 0 or len(cells) == width):
            del waiting[:joined]
            return _sized(line.number, text, cells, width)
        if cells is not None or not _another(waiting, joined, lines):
            break
        text = f"{text}\n{waiting[joined].text}"
    return Record(line.number, line.text, (), "a quote is not closed where the cell ends")


def _another(waiting: list[_Line], place: int, lines: Iterator[_Line]) -> bool:
    """Make sure that a further sound line waits at a place."""
    if len(waiting) <= place:
        waiting.extend(itertools.islice(lines, 1))
    return len(waiting) > place and waiting[place].trouble is None


def _sized(number: int, text: str, cells: tuple[str, ...], width: int) -> Record:
    if len(cells) == width:
        return Record(number, text, cells)
    return Record(number, text, (), f"has {len(cells)} cells where the header has {width}")


def _parse(text: str, delimiter: str) -> tuple[str, ...] | None:
    try:
        return tuple(next(csv.reader([text], delimiter=delimiter, strict=True)))
    except (csv.Error, StopIteration):
        return None


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
        if len(rest) > _LONGEST:
            raise LineTooLongError(f"a line is longer than {_LONGEST >> 20} MB")
    if rest:
        yield rest.removesuffix(b"\r")


def _decoded(lines: Iterable[bytes], encoding: str, told_as: str) -> Iterator[_Line]:
    for number, line in enumerate(lines, start=1):
        try:
            text, trouble = line.decode(encoding), None
        except UnicodeDecodeError:
            text, trouble = line.decode(encoding, errors="backslashreplace"), f"is not {told_as}"
        if "\x00" in text:
            text, trouble = text.replace("\x00", "\\x00"), "has a NUL byte"
        yield _Line(number, text, trouble)
