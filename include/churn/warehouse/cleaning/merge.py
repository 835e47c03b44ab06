"""Brings the valid rows of a load to the customers."""

from dataclasses import dataclass
from dataclasses import replace as replace_fields

import psycopg
from psycopg import sql

from churn.customer import description
from churn.customer.description import COLUMNS, CUSTOMER_ID
from churn.warehouse import customers
from churn.warehouse.cleaning.comparison import Comparison, compare
from churn.warehouse.cleaning.rejected import REJECTED_BECAUSE
from churn.warehouse.cleaning.report import Counts
from churn.warehouse.cleaning.sizes import is_partial
from churn.warehouse.cleaning.staged import Staged, has_repeats, listed_columns
from churn.warehouse.connect import Connection, scalar, statement
from churn.warehouse.loading.progress import phase
from churn.warehouse.loading.staging import staging_table


@dataclass(frozen=True)
class Merged:
    """What became of a load's rows; ``staged`` then knows whether an id is there twice."""

    staged: Staged
    counts: Counts
    comparison: Comparison
    complete: bool = False
    """Every customer was in it and none was rejected, so that all are known as of its day."""

    @property
    def is_partial(self) -> bool:
        """Whether it never was a whole file: a small one of changes, or repaired rows."""
        counts = self.counts
        changed = counts.inserted + counts.updated
        known = self.comparison.known
        small = is_partial(rows=self.staged.rows, changed=changed, known=known)
        return small or REJECTED_BECAUSE in self.staged.header.extra


def merge(connection: Connection, staged: Staged, *, replace: bool) -> Merged:
    """Bring the valid rows to the customers; return what became of all rows."""
    comparison = compare(connection, staged, replace=replace)
    if not comparison.known:
        return _insert_fresh(connection, staged, comparison)
    removed = _remove_absent(connection, staged) if replace else 0
    same = bool(
        scalar(connection, statement("compare_ids", **staged.parts("staging", "staged_id")))
    )
    if not same and has_repeats(connection, staged):
        staged = staged.with_repeats()
    merged = _merge_changed(connection, staged, comparison, same=same)
    return replace_fields(merged, counts=replace_fields(merged.counts, removed=removed))


def _insert_fresh(connection: Connection, staged: Staged, comparison: Comparison) -> Merged:
    """Fill the empty table; that no id is there twice shows when the key is made."""
    try:
        with connection.transaction():
            return Merged(staged, _fill(connection, staged), comparison)
    except psycopg.errors.UniqueViolation:
        again = staged.with_repeats()
        return Merged(again, _fill(connection, again), comparison)


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


def _merge_changed(
    connection: Connection, staged: Staged, comparison: Comparison, *, same: bool
) -> Merged:
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
        churned=_left_in_file(connection, staged) - rejected_churned,
    )
    return Merged(staged, counts, comparison, complete)


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
    is_absent = staged.is_absent()
    of_load = staged.parts("columns", "load_id")
    connection.execute(statement("keep_removed", is_absent=is_absent, **of_load))
    return connection.execute(statement("remove_absent_customers", is_absent=is_absent)).rowcount


def _left_in_file(connection: Connection, staged: Staged) -> int:
    query = sql.SQL("SELECT count(*) FROM {} WHERE {}")
    left = staged.rules.value(description.CHURN)
    return int(str(scalar(connection, query.format(staging_table(staged.load_id), left))))
