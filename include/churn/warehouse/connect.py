"""Opens the warehouse and reads the SQL files of this package."""

from collections.abc import Iterable, Mapping
from importlib.resources import files

import psycopg
from psycopg import sql

from churn.core.errors import ConnectionFailedError, WarehouseError

Connection = psycopg.Connection[tuple[object, ...]]


def connect(database_url: str) -> Connection:
    """Open a connection; the caller's ``with`` block is one transaction.

    Raises:
        ConnectionFailedError: naming the server (never the password) and how to start one.
    """
    if not database_url:
        raise ConnectionFailedError(
            "CHURN_DATABASE_URL is not set and no local stack has been started: `make up`"
        )
    try:
        return psycopg.connect(database_url, connect_timeout=10, application_name="churn")
    except psycopg.ProgrammingError:  # its text would quote the address, password and all
        raise ConnectionFailedError(
            "CHURN_DATABASE_URL is not the address of a PostgreSQL database"
        ) from None
    except psycopg.OperationalError as error:
        reason = " ".join(str(error).split())
        raise ConnectionFailedError(
            f"PostgreSQL is not reachable ({reason}); is the stack up? `make up`"
        ) from None


def message_of(error: Exception) -> str:
    """Return an error's message in one line; PostgreSQL's detail and context would quote rows."""
    primary = error.diag.message_primary if isinstance(error, psycopg.Error) else None
    return primary or " ".join(str(error).split())


def first_line(error: Exception) -> str:
    """Return the first line of an error's message, or its type where there is none."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def statement(name: str, **parts: sql.Composable) -> sql.Composed:
    """Return ``sql/<name>.sql`` with its ``{parts}`` filled in."""
    text = files("churn.warehouse").joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")
    return sql.SQL(text).format(**parts)


def placeholders(values: Iterable[str]) -> dict[str, sql.Composable]:
    """Return a named placeholder for each value that will be bound."""
    return {name: sql.Placeholder(name) for name in values}


def run(
    connection: Connection, name: str, values: Mapping[str, object]
) -> psycopg.Cursor[tuple[object, ...]]:
    """Execute ``sql/<name>.sql``, which has no parts but the values, which are bound."""
    return connection.execute(statement(name, **placeholders(values)), values)


def scalar(
    connection: Connection,
    query: sql.SQL | sql.Composed,
    values: Mapping[str, object] | None = None,
) -> object:
    """Return the first column of the first row."""
    row = connection.execute(query, values).fetchone()
    if row is None:
        raise WarehouseError("a query that always has an answer gave none")
    return row[0]
