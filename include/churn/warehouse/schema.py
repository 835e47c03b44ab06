"""Creates the tables; the customer columns come from the description of a customer."""

from collections.abc import Mapping
from datetime import UTC, date, datetime

from psycopg import sql

from churn.customer.description import COLUMNS, OPTIONAL
from churn.customer.field import Field, FieldKind
from churn.warehouse.cleaning.cells import choice_type
from churn.warehouse.connect import Connection, scalar, statement
from churn.warehouse.load_lock import lock_loads

_MONTHS_AHEAD = 12

_TYPES: Mapping[FieldKind, sql.SQL] = {
    FieldKind.IDENTIFIER: sql.SQL("text"),
    FieldKind.FLAG: sql.SQL("boolean"),
    FieldKind.COUNT: sql.SQL("integer"),
    FieldKind.MONEY: sql.SQL("numeric"),
    FieldKind.DATE: sql.SQL("date"),
}


def create_tables(connection: Connection, *, today: date | None = None) -> None:
    """Create whatever is missing: tables, log partitions for a year ahead, the service's rights.

    Waits for a running load, with which it would else lock tables crosswise.
    """
    lock_loads(connection, "create tables")
    for field in COLUMNS:
        if field.kind is FieldKind.CHOICE:
            _create_choice(connection, field)
    columns = sql.SQL(",\n    ").join(map(_column, COLUMNS))
    connection.execute(statement("create_tables", customer_columns=columns))
    connection.execute(statement("create_model_events"))
    schema = sql.Identifier(str(scalar(connection, sql.SQL("SELECT current_schema()"))))
    connection.execute(statement("create_prediction_log", schema=schema))
    first = (today or datetime.now(UTC).date()).replace(day=1)
    for months in range(-1, _MONTHS_AHEAD + 1):
        _create_partition(connection, months_later(first, months))
    connection.execute(statement("grant_serving"))


def is_guarded(connection: Connection) -> bool:
    """Whether the trigger that refuses changes of ``model_events`` does what it was made to do."""
    _, body, _ = statement("create_model_events").as_string(connection).split("$$")
    return bool(scalar(connection, statement("is_guarded", body=sql.Literal(body))))


def _create_choice(connection: Connection, field: Field) -> None:
    kind = choice_type(field)
    query = statement(
        "create_choice",
        type_name=sql.Literal(kind.as_string(connection)),
        type=kind,
        choices=sql.SQL(", ").join(map(sql.Literal, field.values)),
    )
    connection.execute(query)


def _column(field: Field) -> sql.Composable:
    name = sql.Identifier(field.name)
    kind = choice_type(field) if field.kind is FieldKind.CHOICE else _TYPES[field.kind]
    null = sql.SQL("" if field in OPTIONAL else " NOT NULL")
    return sql.SQL("{} {}{}{}").format(name, kind, null, _domain(field))


def _domain(field: Field) -> sql.Composable:
    name = sql.Identifier(field.name)
    if field.is_number:
        return sql.SQL(" CHECK ({} BETWEEN 0 AND {})").format(name, sql.Literal(field.maximum))
    return sql.SQL("")


def _create_partition(connection: Connection, first_day: date) -> None:
    query = statement(
        "create_month_partition",
        partition=sql.Identifier(f"prediction_logs_{first_day:%Y_%m}"),
        first_day=sql.Literal(midnight(first_day)),
        next_first_day=sql.Literal(midnight(months_later(first_day, 1))),
    )
    connection.execute(query)


def midnight(day: date) -> datetime:
    """Return when a day begins, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def months_later(first_day: date, months: int) -> date:
    """Return the first day of another month."""
    month = first_day.month - 1 + months
    return date(first_day.year + month // 12, month % 12 + 1, 1)
