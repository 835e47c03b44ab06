"""Roles and databases; creating them again changes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass

import psycopg
from psycopg import sql

PIPELINE = "churn_pipeline"
SERVING = "churn_serving"
AIRFLOW = "airflow"
CHURN_DATABASE = "churn"


QUIET = {"log_error_verbosity": "terse", "log_min_error_statement": "panic"}
"""PostgreSQL's own log quotes no rows and no statements, which have customers' ids in them."""


@dataclass(frozen=True, kw_only=True)
class Database:
    """A database, the role that owns it, and the other roles that may connect."""

    name: str
    owner: str
    guests: tuple[str, ...] = ()


DATABASES = (
    Database(name=CHURN_DATABASE, owner=PIPELINE, guests=(SERVING,)),
    Database(name=AIRFLOW, owner=AIRFLOW),
)


def prepare(
    url: str, passwords: Mapping[str, str], databases: tuple[Database, ...] = DATABASES
) -> None:
    """Create the roles with these passwords and the databases; everybody else is shut out."""
    with psycopg.connect(url, autocommit=True) as connection:
        for role, password in passwords.items():
            create_role(connection, role, password)
        for database in databases:
            create_database(connection, database)
        for name in ("postgres", "template1"):
            _close(connection, name)


def create_role(connection: psycopg.Connection, name: str, password: str) -> None:
    """Create a login, or give the one there its password again."""
    found = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone()
    verb = sql.SQL("ALTER" if found else "CREATE")
    statement = sql.SQL("{} ROLE {} LOGIN PASSWORD {}")
    connection.execute(statement.format(verb, sql.Identifier(name), sql.Literal(password)))


def create_database(connection: psycopg.Connection, database: Database) -> None:
    """Create a database unless it is there, and let only its owner and guests in."""
    name, owner = sql.Identifier(database.name), sql.Identifier(database.owner)
    if not connection.execute(
        "SELECT 1 FROM pg_database WHERE datname = %s", [database.name]
    ).fetchone():
        connection.execute(
            sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0").format(name, owner)
        )
    _close(connection, database.name)
    for setting, value in QUIET.items():
        connection.execute(
            sql.SQL("ALTER DATABASE {} SET {} = {}").format(name, sql.Identifier(setting), value)
        )
    for guest in database.guests:
        connection.execute(
            sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(name, sql.Identifier(guest))
        )


def drop_database(connection: psycopg.Connection, name: str) -> None:
    """Drop a database, and end the connections to it."""
    connection.execute(
        sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    )


def _close(connection: psycopg.Connection, name: str) -> None:
    connection.execute(
        sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name))
    )
