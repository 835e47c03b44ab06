"""Reads NDJSON."""

from collections.abc import Iterator

from churn.pipeline.batch.line_splitter import LineSplitter
from churn.pipeline.batch.rows import Rows
from serving.api.batch.json_rows import Read, read_row, rows_from


class NdjsonReader:
    """Reads one JSON object per line."""

    def __init__(self, most: int) -> None:
        self._lines = LineSplitter(most)
        self._most = most

    def feed(self, piece: bytes, *, last: bool = False) -> Iterator[Rows]:
        """Yield the rows that are complete now."""
        found: list[Read] = []
        for block in self._lines.cut(piece, last=last):
            lines = (None,) if block is None else block.split(b"\n")
            found += [read_row(one, self._most) for one in lines if one is None or one.strip()]
        if found:
            yield rows_from(found)
