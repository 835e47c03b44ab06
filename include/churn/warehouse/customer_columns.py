"""The columns of the customer tables, as the description of a customer has them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

from psycopg import sql

from churn.customer.description import COLUMNS, OPTIONAL
from churn.customer.field import Field, FieldKind
from churn.warehouse.cleaning.cells import choice_type, choice_type_name
from churn.warehouse.connect import Connection, scalar, statement

_TABLES: Final = ("customers", "customer_history")
_TYPES: Final[Mapping[FieldKind, sql.SQL]] = {
    FieldKind.IDENTIFIER: sql.SQL("text"),
    FieldKind.FLAG: sql.SQL("boolean"),
    FieldKind.COUNT: sql.SQL("integer"),
    FieldKind.MONEY: sql.SQL("numeric"),
    FieldKind.DATE: sql.SQL("date"),
}


@dataclass(frozen=True)
class Addition:
    """What the description of a customer has and the database lacks."""

    name: str
    change: sql.Composed


def add_columns(connection: Connection) -> list[str]:
    """Add what the description has and the database lacks; return the names of what was added.

    A new value of an enum type cannot be used before the transaction is committed (PostgreSQL's
    manual, ALTER TYPE). A new column is NULL in the rows that are there.
    """
    missing = find_missing(connection)
    for one in missing:
        connection.execute(one.change)
    return [one.name for one in missing]


def find_missing(connection: Connection) -> list[Addition]:
    """Return what the description has and the database lacks, the types before the columns."""
    return [
        *_missing_values(connection),
        *(one for table in _TABLES for one in _missing_columns(connection, table)),
    ]


def _missing_values(connection: Connection) -> Iterator[Addition]:
    """Yield each enum type that is missing, and each value that a type lacks."""
    rows = connection.execute(statement("find_choices")).fetchall()
    found = {str(name): cast("Sequence[str]", values) for name, values in rows}
    for field in (field for field in COLUMNS if field.kind is FieldKind.CHOICE):
        values = found.get(choice_type_name(field))
        if values is None:
            yield Addition(choice_type_name(field), _create_type(field))
            continue
        for value in (value for value in field.values if value not in values):
            change = sql.SQL("ALTER TYPE {} ADD VALUE {}").format(choice_type(field), value)
            yield Addition(f"{field.name}={value}", change)


def _create_type(field: Field) -> sql.Composed:
    """An enum takes 4 bytes where its longest text takes 20, and needs no check."""
    values = sql.SQL(", ").join(map(sql.Literal, field.values))
    return sql.SQL("CREATE TYPE {} AS ENUM ({})").format(choice_type(field), values)


def _missing_columns(connection: Connection, table: str) -> Iterator[Addition]:
    query = statement("find_columns", table_name=sql.Literal(table))
    found = {name for (name,) in connection.execute(query).fetchall()}
    missing = [field for field in COLUMNS if field.name not in found]
    if not missing:
        return
    may_be_null = any(_has_rows(connection, table) for table in _TABLES)
    for field in missing:
        change = sql.SQL("ALTER TABLE {} ADD COLUMN {}").format(
            sql.Identifier(table), _column(field, may_be_null=may_be_null or field in OPTIONAL)
        )
        yield Addition(f"{table}.{field.name}", change)


def _has_rows(connection: Connection, table: str) -> bool:
    query = sql.SQL("SELECT EXISTS (SELECT FROM {})").format(sql.Identifier(table))
    return bool(scalar(connection, query))


def _column(field: Field, *, may_be_null: bool) -> sql.Composable:
    name = sql.Identifier(field.name)
    check = sql.SQL(" CHECK ({} BETWEEN 0 AND {})").format(name, sql.Literal(field.maximum))
    return sql.SQL("{} {}{}{}").format(
        name,
        choice_type(field) if field.kind is FieldKind.CHOICE else _TYPES[field.kind],
        sql.SQL("" if may_be_null else " NOT NULL"),
        check if field.is_number else sql.SQL(""),
    )
