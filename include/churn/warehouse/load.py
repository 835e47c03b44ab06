"""Brings a customer file into an all-text staging table with COPY."""

import codecs
import logging
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql

from churn.errors import DataQualityError
from churn.warehouse.connect import Connection, placeholders, scalar, statement
from churn.warehouse.dialect import NOTHING_ASKED, Asked, Dialect, detect
from churn.warehouse.header import Header, match_header
from churn.warehouse.lines import read_records
from churn.warehouse.source import CHUNK, Source, examine

_NATIVE: Final = {"utf-8": "UTF8", "cp1252": "WIN1252", "latin-1": "LATIN1"}
_PROGRESS_SECONDS: Final = 2.0
_DAY: Final = re.compile(r"(20\d\d)-?([01]\d)-?([0-3]\d)")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Reading:
    """How a file is to be read; what is ``None`` is found out."""

    asked: Asked = NOTHING_ASKED
    snapshot_date: date | None = None
    again: bool = False


@dataclass(frozen=True)
class Load:
    """One file brought in. ``repeats`` is the earlier load of the same bytes, if there was one."""

    load_id: int
    rows: int
    repeats: bool = False


@dataclass(frozen=True)
class _Opened:
    """A file and what was found out about it."""

    source: Source
    dialect: Dialect
    header: Header

    @property
    def encoding(self) -> str:
        """The encoding that the chunks are in: UTF-16 is turned into UTF-8 on the way."""
        return self.dialect.encoding if self.dialect.encoding in _NATIVE else "utf-8"

    def chunks(self, *, errors: str = "strict") -> Iterator[bytes]:
        """Yield the content, without a byte-order mark."""
        with self.source.opened() as file:
            raw = iter(lambda: file.read(CHUNK), b"")
            yield from _without_mark(_transcoded(raw, self.dialect.encoding, errors))


def staging_table(load_id: int) -> sql.Identifier:
    """The staging table of one load."""
    return sql.Identifier(f"staging_load_{load_id}")


def load_csv(connection: Connection, path: Path, reading: Reading | None = None) -> Load:
    """Copy the file into a staging table of its own and record it in ``loads``.

    A file whose bytes were loaded before is not loaded again, unless ``reading.again`` says so.

    Raises:
        DataQualityError: naming the file and what was expected of it.
    """
    chosen = reading or Reading()
    source = examine(path)
    connection.execute(statement("drop_staging_tables"))
    earlier = None if chosen.again else _earlier(connection, source)
    if earlier:
        log.info("%s was loaded before, as load %s: nothing to do", path, earlier.load_id)
        return earlier
    opened = _open(source, chosen.asked)
    load_id = _record(connection, opened, chosen)
    rows = _copy_fast(connection, load_id, opened)
    careful = rows is None
    if rows is None:
        rows = _copy_carefully(connection, load_id, opened)
    if rows == 0:
        raise DataQualityError(f"{path}: there are no rows below the header; nothing was loaded")
    values = {"load_id": load_id, "rows": rows, "careful": careful}
    connection.execute(statement("update_load_rows", **placeholders(values)), values)
    return Load(load_id, rows)


def _earlier(connection: Connection, source: Source) -> Load | None:
    values = {"sha256": source.sha256}
    query = statement("find_load", **placeholders(values))
    row = connection.execute(query, values).fetchone()
    return Load(int(str(row[0])), int(str(row[1])), repeats=True) if row else None


def _open(source: Source, asked: Asked) -> _Opened:
    with source.opened() as file:
        sample = file.read(CHUNK)
    try:
        dialect = detect(sample, asked)
        return _Opened(source, dialect, match_header(dialect.headers))
    except DataQualityError as error:
        expected = "a CSV file with the columns of data/data_dictionary.md in its first line"
        raise DataQualityError(f"{source.path}: {error}; expected {expected}") from None


def _record(connection: Connection, opened: _Opened, reading: Reading) -> int:
    day, told_by = _snapshot_date(opened, reading)
    values = {
        "file": str(opened.source.path),
        "sha256": opened.source.sha256,
        "bytes": opened.source.size,
        "compression": opened.source.compression.value,
        "encoding": opened.dialect.encoding,
        "delimiter": opened.dialect.delimiter,
        "decimal_mark": opened.dialect.decimal,
        "headers": list(opened.dialect.headers),
        "extra_columns": list(opened.header.extra),
        "snapshot_date": day,
        "snapshot_told_by": told_by,
    }
    return int(str(scalar(connection, statement("insert_load", **placeholders(values)), values)))


def _snapshot_date(opened: _Opened, reading: Reading) -> tuple[date, str]:
    """Return the day that the file speaks of; a column of the file has the last word per row."""
    if reading.snapshot_date:
        return reading.snapshot_date, "set by hand"
    found = _DAY.search(opened.source.path.name)
    if found:
        try:
            return date(*map(int, found.groups())), "the file's name"
        except ValueError:
            pass
    return datetime.now(UTC).date(), "the day of the load"


def _create_staging(connection: Connection, load_id: int, header: Header) -> None:
    texts = [sql.SQL("{} text").format(sql.Identifier(name)) for name in header.columns]
    columns = sql.SQL(", ").join(texts)
    query = statement("create_staging", staging=staging_table(load_id), raw_columns=columns)
    connection.execute(query)


def _copy_fast(connection: Connection, load_id: int, opened: _Opened) -> int | None:
    """Stream the bytes into COPY; ``None`` where it refuses them, or lines are not rows."""
    names = sql.SQL(", ").join(map(sql.Identifier, opened.header.columns))
    query = statement(
        "copy_staging",
        staging=staging_table(load_id),
        columns=names,
        delimiter=sql.Literal(opened.dialect.delimiter),
        encoding=sql.Literal(_NATIVE[opened.encoding]),
    )
    progress = _Progress(opened.source)
    try:
        with connection.transaction(), connection.cursor() as cursor:
            _create_staging(connection, load_id, opened.header)
            with cursor.copy(query) as stream:
                for chunk in _below_header(progress.watched(opened.chunks())):
                    stream.write(chunk)
            if cursor.rowcount != progress.lines:
                raise _CarefulError
            return cursor.rowcount
    except (psycopg.DataError, UnicodeDecodeError, _CarefulError) as error:
        log.info("COPY does not take every line (%s); reading line by line", _first_line(error))
        return None


class _CarefulError(Exception):
    """The fast path's rows are not the file's lines."""

    def __str__(self) -> str:
        return "a row is not a line"


def _copy_carefully(connection: Connection, load_id: int, opened: _Opened) -> int:
    _create_staging(connection, load_id, opened.header)
    names = ["line", "raw_line", "malformed", *opened.header.columns]
    columns = sql.SQL(", ").join(map(sql.Identifier, names))
    query = sql.SQL("COPY {} ({}) FROM STDIN").format(staging_table(load_id), columns)
    width = len(opened.header.fields)
    progress = _Progress(opened.source)
    records = read_records(
        progress.watched(opened.chunks(errors="replace")),
        encoding=opened.encoding,
        delimiter=opened.dialect.delimiter,
        width=width,
    )
    empty = ("",) * width
    cursor = connection.cursor()
    with cursor.copy(query) as stream:
        for record in records:
            raw = record.raw if record.malformed else None
            cells = empty if record.malformed else record.cells
            stream.write_row((record.line, raw, record.malformed, *cells))
    return cursor.rowcount


def _transcoded(chunks: Iterable[bytes], encoding: str, errors: str) -> Iterator[bytes]:
    if encoding in _NATIVE:
        yield from chunks
        return
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    for chunk in chunks:
        yield decoder.decode(chunk).encode()
    yield decoder.decode(b"", final=True).encode()


def _without_mark(chunks: Iterator[bytes]) -> Iterator[bytes]:
    yield next(chunks, b"").removeprefix(codecs.BOM_UTF8)
    yield from chunks


def _below_header(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield what follows the first line."""
    head = b""
    for chunk in chunks:
        head += chunk
        parts = re.split(rb"\r\n|\n|\r(?=.)", head, maxsplit=1, flags=re.DOTALL)
        if len(parts) > 1:
            yield parts[1]
            break
    yield from chunks


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


class _Progress:
    """Counts lines and bytes as they go by, and tells of them every other second."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._started = self._told = time.monotonic()
        self._bytes = 0
        self._ends = 0
        self._returns = 0
        self._last = b""

    @property
    def lines(self) -> int:
        """How many lines there are below the header."""
        ends = self._ends or self._returns
        return ends if self._last not in (b"\n", b"\r") else ends - 1

    def watched(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the chunks, counting."""
        for chunk in chunks:
            if chunk:
                self._bytes += len(chunk)
                self._ends += chunk.count(b"\n")
                self._returns += chunk.count(b"\r") if not self._ends else 0
                self._last = chunk[-1:]
            yield chunk
            self._tell()

    def _tell(self) -> None:
        now = time.monotonic()
        if now - self._told < _PROGRESS_SECONDS:
            return
        self._told = now
        seconds = now - self._started
        log.info(
            "%s: %s rows, %.0f MB; %s rows/s, %.0f MB/s",
            self._source.path.name,
            f"{self._ends or self._returns:,}",
            self._bytes / 1e6,
            f"{(self._ends or self._returns) / seconds:,.0f}",
            self._bytes / 1e6 / seconds,
        )
