"""The header of CSV, and the text and cells of its lines."""

import csv
from collections.abc import Iterator, Sequence
from typing import Final

from churn.pipeline.batch.rows import Unreadable, too_long

_DELIMITERS: Final = ",;\t|"
_MARK: Final = b"\xef\xbb\xbf"

csv.field_size_limit((1 << 31) - 1)  # rows have their own limit


class CsvHead:
    """Reads the header of a stream; the delimiter is a comma, semicolon, tab or vertical bar.

    ``cells`` is None until the header is complete; ``lines`` counts the header and blank lines
    before it. ``most`` is the longest header in bytes.
    """

    def __init__(self, most: int, delimiter: str | None = None) -> None:
        self._most = most
        self._head = b""
        self._given = delimiter
        self.delimiter = delimiter or ","
        self.cells: Sequence[str] | None = None
        self.lines = 0

    def feed(self, piece: bytes, *, last: bool) -> bytes:
        """Return what comes after the header, once that is complete.

        Raises:
            InvalidCustomerError: there is no header, or it cannot be read.
        """
        self._head += piece
        begun = self._head.removeprefix(_MARK).lstrip(b"\r\n")
        head, end, rest = begun.partition(b"\n")
        if len(head) > self._most:
            raise too_long(self._most)
        if not (end or last):
            return b""
        header = head.removesuffix(b"\r").decode(errors="surrogateescape")
        if not header:
            raise Unreadable("CSV begins with a header; this has none")
        if "\r" in header:
            raise Unreadable("lines end with \\n or \\r\\n; here the header has \\r alone")
        self.delimiter = self._given or max(_DELIMITERS, key=header.count)
        self.cells = next(parsed(header, self.delimiter))
        self.lines = self._head.count(b"\n", 0, len(self._head) - len(rest))
        return rest


def text_of(lines: bytes) -> str:
    r"""Return lines as text that end with \n alone."""
    text = lines.decode(errors="surrogateescape").replace("\r\n", "\n")
    return text.replace("\r", " ")  # alone it ends no line, and csv refuses it


def parsed(text: str, delimiter: str) -> Iterator[list[str]]:
    """Yield the cells of each line.

    Raises:
        Unreadable: the text is not CSV.
    """
    return (cells for _, cells in numbered(text, delimiter))


def numbered(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the cells of each row after the number of the line that it begins in, from 0.

    Raises:
        Unreadable: the text is not CSV.
    """
    reader = csv.reader(map("{}\n".format, text.split("\n")), delimiter=delimiter)
    begin = 0
    try:
        for cells in reader:
            yield begin, cells
            begin = reader.line_num
    except csv.Error as error:
        raise Unreadable(f"this is not CSV: {error}") from None
