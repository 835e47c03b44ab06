"""Brings the valid rows of a load to the customers."""

from dataclasses import dataclass
from dataclasses import replace as replace_fields

import psycopg
from psycopg import sql

from churn.customer import description
from churn.customer.description import COLUMNS, CUSTOMER_ID
from churn.warehouse import customers
from churn.warehouse.cleaning.comparison import Comparison, compare
from churn.warehouse.cleaning.load_report import RowCounts
from churn.warehouse.cleaning.rejected import REJECTED_BECAUSE
from churn.warehouse.cleaning.sizes import is_partial
from churn.warehouse.cleaning.waiting_load import WaitingLoad, has_repeats, listed_columns
from churn.warehouse.connect import Connection, scalar, statement
from churn.warehouse.loading.progress import phase
from churn.warehouse.loading.staging import staging_table


@dataclass(frozen=True)
class Merged:
    """What became of a load's rows; ``load`` then has whether an id occurs twice."""

    load: WaitingLoad
    counts: RowCounts
    comparison: Comparison
    complete: bool = False
    """Every customer was in it and none was rejected, so that all are known as of its day."""

    @property
    def is_partial(self) -> bool:
        """Whether the file is a small one of changes, or of repaired rows."""
        counts = self.counts
        changed = counts.inserted + counts.updated
        known = self.comparison.known
        small = is_partial(rows=self.load.rows, changed=changed, known=known)
        return small or REJECTED_BECAUSE in self.load.header.extra


def merge(connection: Connection, load: WaitingLoad, *, replace: bool) -> Merged:
    """Bring the valid rows to the customers; return what became of all rows."""
    comparison = compare(connection, load, replace=replace)
    if not comparison.known:
        return _insert_fresh(connection, load, comparison)
    removed = _remove_absent(connection, load) if replace else 0
    same = bool(scalar(connection, statement("compare_ids", **load.parts("staging", "staged_id"))))
    if not same and has_repeats(connection, load):
        load = load.with_repeats()
    merged = _merge_changed(connection, load, comparison, same=same)
    return replace_fields(merged, counts=replace_fields(merged.counts, removed=removed))


def _insert_fresh(connection: Connection, load: WaitingLoad, comparison: Comparison) -> Merged:
    """Fill the empty table; adding the primary key fails if an id occurs twice."""
    try:
        with connection.transaction():
            return Merged(load, _fill(connection, load), comparison)
    except psycopg.errors.UniqueViolation:
        again = load.with_repeats()
        return Merged(again, _fill(connection, again), comparison)


def _fill(connection: Connection, load: WaitingLoad) -> RowCounts:
    """Fill the table, then index it: far less work than an index entry for each row."""
    connection.execute("TRUNCATE customers")  # with wal_level minimal, nothing then goes to the WAL
    connection.execute("ALTER TABLE customers DROP CONSTRAINT customers_pkey")
    parts = load.parts("columns", "load_id")
    query = statement("insert_fresh_customers", **parts, judged=load.judged())
    with phase(load.load_id, load.rows, "checked and written"):
        inserted = connection.execute(query).rowcount
    key = sql.Identifier(CUSTOMER_ID.name)
    add_key = "ALTER TABLE customers ADD CONSTRAINT customers_pkey PRIMARY KEY ({})"
    with phase(load.load_id, inserted, "given a key"):
        connection.execute(sql.SQL(add_key).format(key))
    connection.execute(sql.SQL("ANALYZE customers ({})").format(key))  # for the planner
    return RowCounts(
        accepted=inserted,
        rejected=load.rows - inserted,
        inserted=inserted,
        churned=customers.count(connection).churned,
    )


def _merge_changed(
    connection: Connection, load: WaitingLoad, comparison: Comparison, *, same: bool
) -> Merged:
    judged = load.judged(only_changed=not load.has_repeats)
    connection.execute("DROP TABLE IF EXISTS checked")
    with phase(load.load_id, load.rows, "compared with the customers"):
        connection.execute(statement("create_checked", judged=judged))
    counted = statement("count_checked", known_day=load.known_day("customers"))
    row = connection.execute(counted).fetchone() or (0, 0, 0)
    rejected, older, rejected_churned = (int(str(number)) for number in row)
    with phase(load.load_id, load.rows, "merged"):
        updated, inserted = _merge_checked(connection, load)
    complete = same and not rejected and load.has_one_day and load.is_latest
    if not complete:
        _touch_unchanged(connection, load)
    counts = RowCounts(
        accepted=load.rows - rejected,
        rejected=rejected,
        inserted=inserted,
        updated=updated,
        older=older,
        churned=_churned_in_file(connection, load) - rejected_churned,
    )
    return Merged(load, counts, comparison, complete)


def _touch_unchanged(connection: Connection, load: WaitingLoad) -> None:
    of_file = load.parts("staging", "staged_id", "is_known", "row_snapshot_date")
    known_day = load.known_day("customers")
    connection.execute(statement("touch_unchanged", known_day=known_day, **of_file))


def _merge_checked(connection: Connection, load: WaitingLoad) -> tuple[int, int]:
    """Return how many customers were changed, and how many are new."""
    names = {"existing_columns": listed_columns("existing"), **load.parts("columns", "load_id")}
    names["known_day"] = load.known_day("existing")
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


def _remove_absent(connection: Connection, load: WaitingLoad) -> int:
    is_absent = load.is_absent()
    of_load = load.parts("columns", "load_id")
    connection.execute(statement("keep_removed", is_absent=is_absent, **of_load))
    return connection.execute(statement("remove_absent_customers", is_absent=is_absent)).rowcount


def _churned_in_file(connection: Connection, load: WaitingLoad) -> int:
    query = sql.SQL("SELECT count(*) FROM {} WHERE {}")
    churned = load.rules.value(description.CHURN)
    return int(str(scalar(connection, query.format(staging_table(load.load_id), churned))))
