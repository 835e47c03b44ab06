"""Finds out how a load's file writes its numbers, from its cells in the staging table."""

from typing import Final

from psycopg import sql

from churn.customer.field import Field, FieldKind
from churn.warehouse.cleaning.cells import trimmed
from churn.warehouse.connect import Connection, statement
from churn.warehouse.loading.dialect import FormatOptions
from churn.warehouse.loading.header import Header
from churn.warehouse.loading.number_format import (
    LONGEST_NUMBER,
    MARKS,
    Alike,
    Evidence,
    NumberFormat,
    possible_formats,
    settle,
    weigh,
)
from churn.warehouse.loading.staging import staging_table

_FIRST_ROWS: Final = 20_000
_MOST_SHAPES: Final = 10_000
_SHORTEST: Final = {FieldKind.COUNT: len("1.000"), FieldKind.MONEY: len("5.5")}
"""Shorter cells show nothing; not to look at them takes a tenth of the time."""
_MARKED: Final = f"^[0-9]*[{MARKS}][0-9{MARKS}]*$"


def find_number_format(
    connection: Connection, load_id: int, header: Header, options: FormatOptions
) -> NumberFormat:
    """Return the marks that the first rows prove, or else the whole column.

    Raises:
        DataQualityError: a mark may be that of thousands or of decimals.
    """
    formats = possible_formats(options)
    columns: dict[Field, Evidence] = {}
    for of in header.fields:
        if of and of.is_number:
            columns[of] = weigh(of, _alike(connection, load_id, of, _FIRST_ROWS), formats)
            if columns[of].decimal is None:
                columns[of] = weigh(of, _alike(connection, load_id, of, None), formats)
    return settle(columns, formats)


def _alike(connection: Connection, load_id: int, of: Field, rows: int | None) -> list[Alike]:
    query = statement(
        "count_alike",
        staging=staging_table(load_id),
        cell=trimmed(of),
        marked=sql.Literal(_MARKED),
        shortest=sql.Literal(_SHORTEST[of.kind]),
        longest=sql.Literal(LONGEST_NUMBER),
        most=sql.Literal(rows),
        shapes=sql.Literal(_MOST_SHAPES),
    )
    found = connection.execute(query).fetchall()
    return [Alike(str(text), int(str(count))) for text, count in found]
