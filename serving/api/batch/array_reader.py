"""Reads a JSON array."""

from collections.abc import Iterator

from churn.pipeline.batch.elements import Elements
from churn.pipeline.batch.rows import Rows, Unreadable
from serving.api.batch.json_rows import Read, read_row, rows_from


class ArrayReader:
    """Reads the elements of an array one by one; an error in one does not affect the others."""

    def __init__(self, most: int) -> None:
        self._elements = Elements(most)
        self._most = most

    def feed(self, piece: bytes, *, last: bool = False) -> Iterator[Rows]:
        """Yield the rows that are complete now, those before an error included."""
        found: list[Read] = []
        elements = self._elements.cut(piece, last=last)
        try:
            found.extend(read_row(element, self._most) for element in elements)
        except Unreadable:
            yield from self._rows(found)
            raise
        yield from self._rows(found)

    def _rows(self, found: list[Read]) -> Iterator[Rows]:
        if found:
            yield rows_from(found)
