"""The writer of each format."""

from collections.abc import Callable, Mapping
from typing import Final

from churn.pipeline.batch.csv_writer import CsvWriter
from serving.api.batch.formats import Format
from serving.api.batch.json_writer import JsonWriter

WRITERS: Final[Mapping[Format, Callable[[], CsvWriter | JsonWriter]]] = {
    Format.CSV: CsvWriter,
    Format.NDJSON: lambda: JsonWriter(b"", "\n", b"\n"),
    Format.JSON: lambda: JsonWriter(b"[", ",\n", b"]\n"),
}
