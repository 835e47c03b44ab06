"""Runs in a container: tries, as one role, everything that could be allowed, and prints what is.

Nothing is changed: EXPLAIN checks rights as the statement would, TRUNCATE is rolled back.
"""

import json
import os
import sys
from collections.abc import Iterator

import psycopg

DATABASES = ("airflow", "churn", "postgres", "template1")
TABLES = """
    SELECT c.oid::regclass::text FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p', 'v', 'm') AND NOT c.relispartition
    ORDER BY 1
"""
ROUTINES = """
    SELECT p.proname FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
    WHERE n.nspname = 'public' AND has_function_privilege(p.oid, 'EXECUTE')
        AND p.prorettype <> 'trigger'::regtype
"""
CREATES_DATABASES = "SELECT rolcreatedb FROM pg_roles WHERE rolname = current_user"
FIRST_COLUMN = """
    SELECT attname FROM pg_attribute WHERE attrelid = '{}'::regclass AND attnum = 1
"""
STATEMENTS = {
    "SELECT": "EXPLAIN SELECT * FROM {}",
    "INSERT": "EXPLAIN INSERT INTO {} DEFAULT VALUES",
    "UPDATE": "EXPLAIN UPDATE {} SET {} = DEFAULT",
    "DELETE": "EXPLAIN DELETE FROM {}",
    "TRUNCATE": "TRUNCATE {}",
    "TRIGGER": "CREATE TRIGGER tried AFTER DELETE ON {} EXECUTE FUNCTION tsvector_update_trigger()",
    "DROP": "DROP TABLE {}",
}
ONCE = {
    "CREATE TABLE": "CREATE TABLE tried (a int)",
    "CREATE SCHEMA": "CREATE SCHEMA tried",
    "TEMPORARY": "CREATE TEMPORARY TABLE tried (a int)",
    "CREATE ROLE": "CREATE ROLE tried",
    "COPY TO PROGRAM": "COPY (SELECT 1) TO PROGRAM 'true'",
    "READ FILES": "SELECT pg_read_file('PG_VERSION')",
}

REFUSED = (
    psycopg.errors.InsufficientPrivilege,
    # No role can change, truncate or drop as a table what is a view over a function.
    psycopg.errors.WrongObjectType,
    psycopg.errors.ObjectNotInPrerequisiteState,
)


def allowed(connection: psycopg.Connection, statement: str) -> bool:
    """Tell whether the server lets this role do it; it is undone."""
    try:
        connection.execute("SET LOCAL lock_timeout = '5s'")
        connection.execute(statement.encode())
    except REFUSED:
        return False
    except psycopg.Error:
        return True  # refused for another reason: the right is there
    finally:
        connection.rollback()
    return True


def names(connection: psycopg.Connection, query: str) -> list[str]:
    """Return the first column of an answer."""
    return [str(row[0]) for row in connection.execute(query.encode()).fetchall()]


def tried(connection: psycopg.Connection) -> Iterator[str]:
    """Yield what the role may do in this database."""
    yield from (name for name, statement in ONCE.items() if allowed(connection, statement))
    if names(connection, CREATES_DATABASES) == ["True"]:
        yield "CREATE DATABASE"
    for table in names(connection, TABLES):
        (column,) = names(connection, FIRST_COLUMN.format(table))
        for name, statement in STATEMENTS.items():
            if allowed(connection, statement.format(table, column)):
                yield f"{name} {table}"
    yield from (f"EXECUTE {routine}" for routine in names(connection, ROUTINES))


def main() -> None:
    """Print, for each database that the role may enter, what it may do there."""
    found = {}
    for database in DATABASES:
        try:
            with psycopg.connect(f"{os.environ['ROLE_URL']}/{database}") as connection:
                found[database] = sorted(tried(connection))
        except psycopg.OperationalError:
            continue
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
