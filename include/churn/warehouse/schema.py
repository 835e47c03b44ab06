"""The tables of the warehouse: numbered migrations, and what is derived from the description."""

from datetime import UTC, date, datetime
from typing import Final

from psycopg import sql

from churn.core.errors import WarehouseError
from churn.warehouse import migration
from churn.warehouse.connect import Connection, scalar, statement
from churn.warehouse.customer_columns import add_columns, find_missing

_MONTHS_AHEAD: Final = 12
_GUARD: Final = "guard_model_events"
_RESTORED: Final = (_GUARD, "grant_serving")
"""Migrations that run every time: the trigger may be disabled, and the role created, later."""


def create_tables(connection: Connection, *, today: date | None = None) -> list[str]:
    """Bring the tables to this release, with partitions of the log for a year ahead.

    Returns the names of the migrations that were applied and of the columns that were added.
    Commits after each migration. Waits for a running load, as the two would deadlock.

    Raises:
        WarehouseError: the database is ahead of this release.
    """
    applied = [*map(str, migration.migrate(connection)), *add_columns(connection)]
    first = (today or datetime.now(UTC).date()).replace(day=1)
    for months in range(-1, _MONTHS_AHEAD + 1):
        _create_partition(connection, months_later(first, months))
    for name in _RESTORED:
        connection.execute(sql.SQL(migration.named(name).script))
    return applied


def find_trouble(connection: Connection) -> str | None:
    """Return how the tables differ from those of this release, and the remedy."""
    if trouble := migration.find_trouble(connection):
        return trouble
    if missing := ", ".join(one.name for one in find_missing(connection)):
        return f"the database lacks {missing}; run `churn migrate` or the DAG"
    return None


def require_current(connection: Connection) -> None:
    """Refuse a database whose tables are not those of this release.

    Raises:
        WarehouseError: with the remedy.
    """
    if trouble := find_trouble(connection):
        raise WarehouseError(trouble)


def is_guarded(connection: Connection) -> bool:
    """Whether the trigger that refuses changes of ``model_events`` is enabled and unchanged."""
    _, body, _ = migration.named(_GUARD).script.split("$$")
    return bool(scalar(connection, statement("is_guarded", body=sql.Literal(body))))


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
