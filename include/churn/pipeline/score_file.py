"""Scores a CSV file of customers, each row alone in its error."""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO

from churn.core.errors import DataQualityError, InvalidCustomerError
from churn.pipeline.batch.csv_reader import CsvReader
from churn.pipeline.batch.csv_writer import CsvWriter
from churn.pipeline.batch.rows import CACHED_BYTES, LONGEST_ROW
from churn.pipeline.batch.scored_rows import score_rows
from churn.registry.loaded_model import LoadedModel
from churn.warehouse.loading.foreign_files import advice_on
from churn.warehouse.loading.progress import Progress
from churn.warehouse.loading.source import compression_of


@dataclass(frozen=True)
class Done:
    """How many rows were scored, and how many could not be read."""

    scored: int
    failed: int


def score_file(
    model: LoadedModel, source: BinaryIO, target: BinaryIO, *, progress: Progress
) -> Done:
    """Score a stream of CSV in UTF-8; memory does not grow with it.

    Raises:
        DataQualityError: it is no such file, or cannot be read from some row on.
    """
    reader, writer = CsvReader(LONGEST_ROW), CsvWriter(recorded=False)
    start = writer.start
    rows_done = failed = 0
    try:
        for piece in progress.watched(_pieces(source)):
            for rows in reader.feed(piece, last=not piece):
                target.write(start + writer.write(score_rows(model, rows, first=rows_done + 1)))
                start = b""
                rows_done += len(rows)
                failed += len(rows.errors)
    except InvalidCustomerError as error:
        raise DataQualityError(str(error)) from None
    target.write(start)
    return Done(rows_done - failed, failed)


def _pieces(source: BinaryIO) -> Iterator[bytes]:
    """Yield the content and, at its end, an empty piece."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    is_first = True
    for piece in iter(partial(source.read, CACHED_BYTES), b""):
        if is_first:
            _require_csv(piece)
        is_first = False
        _require_utf_8(decoder, piece)
        yield piece
    _require_utf_8(decoder, b"", last=True)
    yield b""


def _require_csv(start: bytes) -> None:
    if compression_of(start):
        raise DataQualityError("is compressed; unpack it first, as in `gunzip -c IN.gz`")
    if advice := advice_on(start):
        raise DataQualityError(advice)


def _require_utf_8(decoder: codecs.IncrementalDecoder, piece: bytes, *, last: bool = False) -> None:
    try:
        decoder.decode(piece, last)
    except UnicodeDecodeError as error:
        how = "convert it first, as in `iconv -f WINDOWS-1252 -t UTF-8 IN.csv`"
        raise DataQualityError(f"is not UTF-8 ({error.reason}); {how}") from None
