"""Brings a CSV file into an all-text staging table with COPY."""

import csv
import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import psycopg
from psycopg import sql

from churn import customer
from churn.errors import DataQualityError
from churn.warehouse.connect import Connection, placeholders, scalar, statement

_CHUNK = 1 << 20
_MAX_HEADER = 1 << 16


@dataclass(frozen=True)
class Load:
    """One file brought in: the row of ``loads``."""

    load_id: int
    file: str
    rows: int
    extra_columns: tuple[str, ...]


@dataclass
class _Source:
    """A file being read; counts and hashes what has gone by."""

    file: BinaryIO
    sha256: "hashlib._Hash" = field(default_factory=hashlib.sha256)
    size: int = 0

    def chunks(self) -> Iterator[bytes]:
        while chunk := self.file.read(_CHUNK):
            self.see(chunk)
            yield chunk

    def see(self, chunk: bytes) -> bytes:
        self.sha256.update(chunk)
        self.size += len(chunk)
        return chunk


def staging_table(load_id: int) -> sql.Identifier:
    """The staging table of one load."""
    return sql.Identifier(f"staging_load_{load_id}")


def raw_column(name: str) -> str:
    """The staging column that holds a field's text as it came."""
    return f"raw_{name}"


def load_csv(connection: Connection, path: Path) -> Load:
    """Copy the file into a staging table of its own and record it in ``loads``.

    The file is opened read-only; its header decides which column is which.

    Raises:
        DataQualityError: naming the file and what was expected of it.
    """
    with _opened(path) as file:
        source = _Source(file)
        columns, extra = _read_header(source, path)
        connection.execute(statement("drop_staging_tables"))
        _create_staging(connection, columns)
        rows = _copy(connection, source, path, columns)
    load_id = _record(connection, path, source, rows)
    rename = sql.SQL("ALTER TABLE staging_incoming RENAME TO {}")
    connection.execute(rename.format(staging_table(load_id)))
    return Load(load_id, path.name, rows, extra)


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        if not path.is_file():
            raise DataQualityError(f"{path}: there is no such file; expected {_expectation()}")
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise DataQualityError(f"{path}: cannot be read ({error.strerror})") from error


def _expectation() -> str:
    headers = ",".join(column.header for column in customer.COLUMNS)
    return f"a CSV file in UTF-8 with the columns {headers} (names may be snake_case, any order)"


def _read_header(source: _Source, path: Path) -> tuple[list[str], tuple[str, ...]]:
    """Return the staging columns in the file's order, and the headers that mean nothing to us."""
    line = source.see(source.file.readline(_MAX_HEADER))
    if not line.strip():
        raise DataQualityError(f"{path}: the file is empty; expected {_expectation()}")
    try:
        headers = next(csv.reader([line.decode("utf-8-sig")]))
    except (UnicodeDecodeError, csv.Error, StopIteration):
        message = f"{path}: the first line is not a CSV header in UTF-8; expected {_expectation()}"
        raise DataQualityError(message) from None
    return _match_headers(headers, path)


def _match_headers(headers: list[str], path: Path) -> tuple[list[str], tuple[str, ...]]:
    known = [customer.BY_OUTSIDE_NAME.get(customer.normalised(h.strip())) for h in headers]
    found = [column.name for column in known if column]
    missing = [c.header for c in customer.COLUMNS if c.name not in found]
    twice = sorted({name for name in found if found.count(name) > 1})
    if missing:
        raise DataQualityError(
            f"{path}: the header lacks {', '.join(missing)}; it has {', '.join(headers)[:500]}; "
            f"expected {_expectation()}"
        )
    if twice:
        raise DataQualityError(f"{path}: the header has {', '.join(twice)} more than once")
    columns = [raw_column(c.name) if c else f"extra_{i}" for i, c in enumerate(known)]
    return columns, tuple(h for h, c in zip(headers, known, strict=True) if c is None)


def _create_staging(connection: Connection, columns: list[str]) -> None:
    texts = [sql.SQL("{} text").format(sql.Identifier(name)) for name in columns]
    counter = sql.SQL("row_number bigint GENERATED ALWAYS AS IDENTITY")
    raw_columns = sql.SQL(", ").join([*texts, counter])
    staging = sql.Identifier("staging_incoming")
    connection.execute(statement("create_staging", staging=staging, raw_columns=raw_columns))


def _copy(connection: Connection, source: _Source, path: Path, columns: list[str]) -> int:
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    copy = sql.SQL("COPY staging_incoming ({}) FROM STDIN (FORMAT csv, ENCODING 'UTF8')")
    query = copy.format(names)
    cursor = connection.cursor()
    try:
        with cursor.copy(query) as stream:
            for chunk in source.chunks():
                stream.write(chunk)
    except psycopg.DataError as error:
        raise DataQualityError(f"{path}: {_told(error)}; nothing was loaded") from None
    if cursor.rowcount == 0:
        raise DataQualityError(f"{path}: there are no rows below the header; nothing was loaded")
    return cursor.rowcount


def _told(error: psycopg.DataError) -> str:
    """Return COPY's complaint with the line as the file counts it: COPY never saw the header."""
    found = re.search(r"line (\d+)", error.diag.context or "")
    where = f"line {int(found.group(1)) + 1}: " if found else ""
    return f"{where}{(error.diag.message_primary or str(error)).replace('raw_', '')}"


def _record(connection: Connection, path: Path, source: _Source, rows: int) -> int:
    values = {
        "file": str(path),
        "sha256": source.sha256.hexdigest(),
        "bytes": source.size,
        "rows": rows,
    }
    return int(str(scalar(connection, statement("insert_load", **placeholders(values)), values)))
