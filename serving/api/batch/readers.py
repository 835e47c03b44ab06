"""The reader of each format."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final, Protocol

from churn.pipeline.batch.csv_reader import CsvReader
from churn.pipeline.batch.rows import Rows
from serving.api.batch.array_reader import ArrayReader
from serving.api.batch.formats import Format
from serving.api.batch.ndjson_reader import NdjsonReader


class Reader(Protocol):
    """Reads a stream in pieces."""

    def feed(self, piece: bytes, *, last: bool = False) -> Iterator[Rows]:
        """Yield the rows that are complete now.

        Raises:
            InvalidCustomerError: the rest of the stream cannot be read.
        """


READERS: Final[Mapping[Format, Callable[[int], Reader]]] = {
    Format.JSON: ArrayReader,
    Format.NDJSON: NdjsonReader,
    Format.CSV: CsvReader,
}
"""By format: a constructor that takes the longest row in bytes."""
