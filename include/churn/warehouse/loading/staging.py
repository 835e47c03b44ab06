"""Fills the staging table of a load: by COPY, or line by line where COPY refuses a line."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
from psycopg import sql

from churn.core.errors import DataQualityError, plain
from churn.warehouse.connect import Connection, first_line, statement
from churn.warehouse.loading.content import (
    NATIVE,
    Ending,
    LineTooLongError,
    StrayQuotes,
    below_header,
    without_blank_end,
)
from churn.warehouse.loading.customer_file import CustomerFile
from churn.warehouse.loading.encoding import EncodingError
from churn.warehouse.loading.header import Header
from churn.warehouse.loading.progress import Progress
from churn.warehouse.loading.row_reader import FileRow, read_rows

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Filled:
    """How many rows were staged, and whether by the slow path, line by line.

    ``unended`` describes the last line if the file does not end with a line end.
    """

    rows: int
    slow_path: bool
    unended: str


class _SlowPathError(Exception):
    """COPY read the file without an error, but wrongly."""


def staging_table(load_id: int) -> sql.Identifier:
    """The staging table of one load."""
    return sql.Identifier(f"staging_load_{load_id}")


def fill_staging(connection: Connection, load_id: int, file: CustomerFile) -> Filled:
    """Create the staging table and copy the file into it.

    Raises:
        DataQualityError: a row or a line is too long, or the file was changed.
    """
    try:
        return _fill(connection, load_id, file)
    except EncodingError as error:
        raise DataQualityError(f"{file.source.name}: {error}") from None
    except (LineTooLongError, psycopg.errors.ProgramLimitExceeded) as error:
        raise DataQualityError(
            f"{file.source.name}: {plain(first_line(error))}; leave out columns that are not needed"
        ) from None
    finally:
        file.source.require_unchanged()


def _fill(connection: Connection, load_id: int, file: CustomerFile) -> Filled:
    try:
        with connection.transaction():
            return _copy_stream(connection, load_id, file)
    except (psycopg.DataError, UnicodeDecodeError, _SlowPathError) as error:
        log.info("COPY refuses a line (%s); reading line by line", plain(first_line(error)))
    return _copy_line_by_line(connection, load_id, file)


def _create_staging(connection: Connection, load_id: int, header: Header) -> None:
    texts = [sql.SQL("{} text").format(sql.Identifier(name)) for name in header.columns]
    columns = sql.SQL(", ").join(texts)
    query = statement("create_staging", staging=staging_table(load_id), text_columns=columns)
    connection.execute(query)


def _copy_stream(connection: Connection, load_id: int, file: CustomerFile) -> Filled:
    """Stream the bytes into COPY.

    Raises:
        psycopg.DataError: COPY refuses a line.
        _SlowPathError: its rows are not the file's lines, or not the file's values.
    """
    query = statement(
        "copy_staging",
        staging=staging_table(load_id),
        columns=sql.SQL(", ").join(map(sql.Identifier, file.header.columns)),
        delimiter=sql.Literal(file.dialect.delimiter),
        encoding=sql.Literal(NATIVE[file.encoding]),
    )
    progress, ending = Progress(file.source.short_name), Ending()
    _create_staging(connection, load_id, file.header)
    cursor = connection.cursor()
    with cursor.copy(query) as stream:
        for chunk in progress.watched(_rows_of(file, ending)):
            stream.write(chunk)
    progress.log()
    if cursor.rowcount != progress.lines:
        raise _SlowPathError("a row is not a line")
    unended = file.unended(cursor.rowcount + 1, ending)
    return Filled(cursor.rowcount, slow_path=False, unended=unended)


def _rows_of(file: CustomerFile, ending: Ending) -> Iterator[bytes]:
    stray = StrayQuotes(file.dialect.delimiter)
    for chunk in without_blank_end(below_header(file.chunks(ending))):
        if stray.are_in(chunk):
            raise _SlowPathError("a quote is within a cell")
        yield chunk
    if stray.are_at_the_end():
        raise _SlowPathError("a quote is within a cell")


def _copy_line_by_line(connection: Connection, load_id: int, file: CustomerFile) -> Filled:
    _create_staging(connection, load_id, file.header)
    names = ["line", "raw_line", "malformed", *file.header.columns]
    columns = sql.SQL(", ").join(map(sql.Identifier, names))
    query = sql.SQL("COPY {} ({}) FROM STDIN").format(staging_table(load_id), columns)
    cursor = connection.cursor()
    ending, line = Ending(), 1
    with cursor.copy(query) as stream:
        for record in _records_of(file, ending):
            line = record.line
            stream.write_row(_row_of(record, len(file.header.fields)))
    return Filled(cursor.rowcount, slow_path=True, unended=file.unended(line, ending))


def _records_of(file: CustomerFile, ending: Ending) -> Iterator[FileRow]:
    progress = Progress(file.source.short_name)
    yield from read_rows(
        progress.watched(file.chunks(ending, broken=True)),
        encoding=file.encoding,
        shown_encoding=file.dialect.encoding,
        delimiter=file.dialect.delimiter,
        width=len(file.header.fields),
    )
    progress.log()


def _row_of(record: FileRow, width: int) -> tuple[object, ...]:
    if record.malformed:
        return (record.line, record.raw, record.malformed, *("",) * width)
    return (record.line, None, None, *record.cells)
