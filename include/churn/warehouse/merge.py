"""Brings the valid rows of a load to the customers."""

from dataclasses import dataclass

import psycopg
from psycopg import sql

from churn import customer
from churn.customer import COLUMNS, CUSTOMER_ID
from churn.warehouse import customers
from churn.warehouse.connect import Connection, scalar, statement
from churn.warehouse.progress import phase
from churn.warehouse.report import Counts
from churn.warehouse.staged import Staged, has_repeats, listed_columns
from churn.warehouse.staging import staging_table


@dataclass(frozen=True)
class Merged:
    """What became of a load's rows; ``staged`` then knows whether an id is there twice."""

    staged: Staged
    counts: Counts
    complete: bool = False
    """Every customer was in it and none was rejected, so that all are known as of its day."""


def merge(connection: Connection, staged: Staged, *, replace: bool) -> Merged:
    """Bring the valid rows to the customers; return what became of all rows."""
    empty = not scalar(connection, sql.SQL("SELECT EXISTS (SELECT FROM customers)"))
    if empty:
        return _insert_fresh(connection, staged)
    removed = _remove_absent(connection, staged) if replace else 0
    same = bool(
        scalar(connection, statement("compare_ids", **staged.parts("staging", "staged_id")))
    )
    if not same and has_repeats(connection, staged):
        staged = staged.with_repeats()
    return _merge_changed(connection, staged, removed=removed, same=same)


def _insert_fresh(connection: Connection, staged: Staged) -> Merged:
    """Fill the empty table; that no id is there twice shows when the key is made."""
    try:
        with connection.transaction():
            return Merged(staged, _fill(connection, staged))
    except psycopg.errors.UniqueViolation:
        again = staged.with_repeats()
        return Merged(again, _fill(connection, again))


def _fill(connection: Connection, staged: Staged) -> Counts:
    """Fill the table first and index it then: far less work than row by row."""
    connection.execute("TRUNCATE customers")  # with wal_level minimal, nothing then goes to the WAL
    connection.execute("ALTER TABLE customers DROP CONSTRAINT customers_pkey")
    parts = staged.parts("columns", "load_id")
    query = statement("insert_fresh_customers", **parts, judged=staged.judged())
    with phase(staged.load_id, staged.rows, "checked and written"):
        inserted = connection.execute(query).rowcount
    key = sql.Identifier(CUSTOMER_ID.name)
    add_key = "ALTER TABLE customers ADD CONSTRAINT customers_pkey PRIMARY KEY ({})"
    with phase(staged.load_id, inserted, "given a key"):
        connection.execute(sql.SQL(add_key).format(key))
    connection.execute(sql.SQL("ANALYZE customers ({})").format(key))  # what joins go by
    return Counts(
        accepted=inserted,
        rejected=staged.rows - inserted,
        inserted=inserted,
        churned=customers.count(connection).churned,
    )


def _merge_changed(connection: Connection, staged: Staged, *, removed: int, same: bool) -> Merged:
    judged = staged.judged(only_changed=not staged.has_repeats)
    connection.execute("DROP TABLE IF EXISTS checked")
    with phase(staged.load_id, staged.rows, "compared with what is known"):
        connection.execute(statement("create_checked", judged=judged))
    counted = statement("count_checked", known_day=staged.known_day("customers"))
    row = connection.execute(counted).fetchone() or (0, 0, 0)
    rejected, older, rejected_churned = (int(str(number)) for number in row)
    with phase(staged.load_id, staged.rows, "merged"):
        updated, inserted = _merge_checked(connection, staged)
    complete = same and not rejected and staged.speaks_of_one_day and staged.is_latest
    if not complete:
        _touch_unchanged(connection, staged)
    counts = Counts(
        accepted=staged.rows - rejected,
        rejected=rejected,
        inserted=inserted,
        updated=updated,
        older=older,
        removed=removed,
        churned=_left_in_file(connection, staged) - rejected_churned,
    )
    return Merged(staged, counts, complete)


def _touch_unchanged(connection: Connection, staged: Staged) -> None:
    of_file = staged.parts("staging", "staged_id", "is_known", "row_snapshot_date")
    known_day = staged.known_day("customers")
    connection.execute(statement("touch_unchanged", known_day=known_day, **of_file))


def _merge_checked(connection: Connection, staged: Staged) -> tuple[int, int]:
    """Return how many customers were changed, and how many are new."""
    names = {"existing_columns": listed_columns("existing"), **staged.parts("columns", "load_id")}
    names["known_day"] = staged.known_day("existing")
    history = statement("keep_history", **names, checked_columns=listed_columns("checked"))
    updated = connection.execute(history).rowcount
    merged = statement(
        "merge_customers",
        **names,
        excluded_columns=listed_columns("excluded"),
        assignments=_assigned(),
    )
    return updated, int(str(scalar(connection, merged)))


def _assigned() -> sql.Composable:
    names = [sql.Identifier(f.name) for f in COLUMNS if f is not CUSTOMER_ID]
    return sql.SQL(", ").join(sql.SQL("{0} = excluded.{0}").format(name) for name in names)


def _remove_absent(connection: Connection, staged: Staged) -> int:
    of_file = staged.parts("staging", "staged_id", "row_snapshot_date")
    is_absent = statement("is_absent", known_day=staged.known_day("customers"), **of_file)
    of_load = staged.parts("columns", "load_id")
    connection.execute(statement("keep_removed", is_absent=is_absent, **of_load))
    removed = statement("remove_absent_customers", is_absent=is_absent)
    return connection.execute(removed).rowcount


def _left_in_file(connection: Connection, staged: Staged) -> int:
    query = sql.SQL("SELECT count(*) FROM {} WHERE {}")
    left = staged.rules.value(customer.CHURN)
    return int(str(scalar(connection, query.format(staging_table(staged.load_id), left))))
