"""Reads NDJSON."""

from serving.api.batch.json_rows import rows_from
from serving.api.batch.lines import Lines
from serving.api.batch.rows import Rows, Unreadable
from serving.api.problems import ProblemError
from serving.api.reading import read_object


class NdjsonReader:
    """Reads one JSON object per line."""

    def __init__(self, most: int) -> None:
        self._lines = Lines(most)
        self._most = most

    def feed(self, piece: bytes, *, last: bool = False) -> list[Rows]:
        """Return the rows that are complete now."""
        parts = self._lines.cut(piece, last=last, quotes=False)
        lines = (line for part in parts for line in part.split(b"\n"))
        found = [self._read(line) for line in lines if line.strip()]
        return [rows_from(found)] if found else []

    def _read(self, line: bytes) -> object:
        if len(line) > self._most:
            return Unreadable(f"a row takes at most {self._most:,} bytes")
        try:
            return read_object(line)
        except ProblemError as error:
            return Unreadable(error.detail)
