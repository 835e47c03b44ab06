"""Reads a JSON array."""

from collections.abc import Iterator

from churn.pipeline.batch.rows import Rows, Unreadable
from serving.api.batch.elements import Elements
from serving.api.batch.json_rows import Read, read_row, rows_from


class ArrayReader:
    """Reads the elements of an array as they come, each alone in its error."""

    def __init__(self, most: int) -> None:
        self._elements = Elements(most)
        self._most = most

    def feed(self, piece: bytes, *, last: bool = False) -> Iterator[Rows]:
        """Yield the rows that are complete now."""
        found: list[Read] = []
        failure: Unreadable | None = None
        try:
            for element in self._elements.cut(piece, last=last):
                found.append(read_row(element, self._most))  # noqa: PERF401 - kept on a failure
        except Unreadable as error:
            failure = error
        if found:
            yield rows_from(found)
        if failure:
            raise failure
