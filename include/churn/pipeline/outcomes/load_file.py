"""Records the outcomes of a file, plain or compressed: CSV, NDJSON or a JSON array."""

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

from churn.core import json_input
from churn.core.errors import DataQualityError, InvalidInputError
from churn.pipeline.batch.rows import LONGEST_ROW
from churn.pipeline.outcomes.readers import ArrayReader, CsvReader, NdjsonReader, Reader, Row
from churn.warehouse.connect import Connection
from churn.warehouse.loading.content import transcoded
from churn.warehouse.loading.dialect import FormatOptions
from churn.warehouse.loading.encoding import find_encoding, proved_western, set_by_hand
from churn.warehouse.loading.foreign_files import advice_on
from churn.warehouse.loading.progress import Progress
from churn.warehouse.loading.source import CHUNK, Source, examine
from churn.warehouse.outcomes.outcome import Outcome
from churn.warehouse.outcomes.record import Counts, record_outcomes
from churn.warehouse.outcomes.record import Source as Origin

_AT_ONCE: Final = 10_000
_DECODED: Final = {"cp1252": "windows-1252", "latin-1": "iso-8859-1"}
"""Other names of what ``transcoded`` leaves to COPY."""


@dataclass(frozen=True)
class Loaded:
    """What became of a file's rows; ``ignored`` are columns that are no field of an outcome."""

    counts: Counts
    rejected: int
    ignored: tuple[str, ...] = ()


def load_outcomes(
    connection: Connection,
    path: Path,
    options: FormatOptions,
    *,
    reject: Callable[[Row], None],
) -> Loaded:
    """Record a file's outcomes; call ``reject`` with each row that has none.

    Commits after every 10,000 rows. A file that was recorded before, or in part, changes nothing.

    Raises:
        DataQualityError: it is no such file, or cannot be read from some row on.
    """
    source = examine(path)
    counts, rejected = Counts(), 0
    try:
        reader, chunks = _opened(source, options)
        for rows in _parts(reader, chunks):
            found = [row.found for row in rows if isinstance(row.found, Outcome)]
            counts += record_outcomes(connection, found, Origin.FILE)
            connection.commit()
            for row in (row for row in rows if not isinstance(row.found, Outcome)):
                rejected += 1
                reject(row)
        source.require_unchanged()
    except InvalidInputError as error:
        done = f"; {counts.recorded:,} were recorded before that" if counts.recorded else ""
        raise DataQualityError(f"{source.name}: {error}{done}") from None
    ignored = tuple(reader.ignored) if isinstance(reader, CsvReader) else ()
    return Loaded(counts, rejected, ignored)


def _parts(reader: Reader, chunks: Iterable[bytes]) -> Iterator[list[Row]]:
    """Yield the rows, those before an error included."""
    pieces = itertools.chain(((chunk, False) for chunk in chunks), [(b"", True)])
    part: list[Row] = []
    try:
        for row in (row for piece, last in pieces for row in reader.feed(piece, last=last)):
            part.append(row)
            if len(part) == _AT_ONCE:
                yield part
                part = []
    except InvalidInputError:
        yield part
        raise
    yield part


def _opened(source: Source, options: FormatOptions) -> tuple[Reader, Iterator[bytes]]:
    """Return the reader of a file, and its content in UTF-8."""
    with source.opened() as file:
        sample = file.read(CHUNK)
    encoding, is_guess = _encoding(sample, options)
    start = b"".join(transcoded([sample], _DECODED.get(encoding, encoding), broken=True))
    progress = Progress(source.name, size=source.size)
    chunks = progress.watched(_chunks(source, encoding, is_western_guess=is_guess))
    reader, wrapped = _reader(start.removeprefix(b"\xef\xbb\xbf").lstrip(), options)
    if wrapped:
        chunks = itertools.chain([b"["], (c.removeprefix(b"\xef\xbb\xbf") for c in chunks), [b"]"])
    elif not isinstance(reader, CsvReader):
        return reader, chunks
    elif advice := advice_on(sample):
        raise DataQualityError(f"{source.name}: {advice}")
    return reader, chunks


def _encoding(sample: bytes, options: FormatOptions) -> tuple[str, bool]:
    if options.encoding:
        return set_by_hand(sample, options.encoding), False
    found = find_encoding(sample + b"\n" if len(sample) < CHUNK else sample)
    return found, found == "cp1252"


def _chunks(source: Source, encoding: str, *, is_western_guess: bool) -> Iterator[bytes]:
    with source.opened() as file:
        raw: Iterable[bytes] = iter(partial(file.read, CHUNK), b"")
        if is_western_guess:
            raw = proved_western(raw)
        yield from transcoded(raw, _DECODED.get(encoding, encoding), broken=True)


def _reader(start: bytes, options: FormatOptions) -> tuple[Reader, bool]:
    """Return the reader for a content, and whether it is one object over several lines."""
    now = datetime.now(UTC)
    if start.startswith(b"["):
        return ArrayReader(LONGEST_ROW, now), False
    if start.startswith(b"{"):
        is_one = _is_one_object(start)
        return (ArrayReader if is_one else NdjsonReader)(LONGEST_ROW, now), is_one
    return CsvReader(LONGEST_ROW, now, options.delimiter), False


def _is_one_object(start: bytes) -> bool:
    try:
        return len(start) < LONGEST_ROW and isinstance(json_input.load(start), dict)
    except (ValueError, RecursionError):
        return False
