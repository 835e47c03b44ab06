"""Turns a staging table into customers and rejected rows, in one transaction."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

import psycopg
from psycopg import sql

from churn import customer
from churn.customer import COLUMNS, CUSTOMER_ID
from churn.errors import WarehouseError
from churn.warehouse.connect import Connection, placeholders, scalar, statement
from churn.warehouse.gate import (
    LIMIT_REJECTED,
    Counted,
    Facts,
    Judgement,
    Verdict,
    judge,
)
from churn.warehouse.header import Header, match_header
from churn.warehouse.load import staging_table
from churn.warehouse.report import Counts, Report, read_report
from churn.warehouse.rules import REPEATED, Rules

_WORK_MEMORY = "256MB"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Staged:
    """A load that waits to be cleaned, and the SQL that its file calls for."""

    load_id: int
    rows: int
    delimiter: str
    snapshot_date: object
    header: Header
    rules: Rules
    has_repeats: bool = False
    values: Mapping[str, object] = field(default_factory=dict)

    @property
    def parts(self) -> dict[str, sql.Composable]:
        """What the statements have in common."""
        return {
            "staging": staging_table(self.load_id),
            "staged_id": self.rules.customer_id(),
            "source_hash": self.rules.source_hash(),
            "row_snapshot_date": self.rules.snapshot_date(sql.Literal(self.snapshot_date)),
            "columns": _columns(),
            "load_id": sql.Literal(self.load_id),
        }

    def judged(self, *, only_changed: bool = False, with_text: bool = False) -> sql.Composable:
        """Return the query that types and checks the rows, with their text where it is needed."""
        parts = self.parts
        valid = self.rules.is_valid()
        only = statement("only_changed", **_wanted(parts, "staged_id", "source_hash"))
        return statement(
            "judge_rows",
            **_wanted(parts, "staging", "source_hash", "row_snapshot_date"),
            typed_columns=self.rules.typed_columns(),
            is_valid=valid,
            is_repeated=statement("is_repeated", is_valid=valid)
            if self.has_repeats
            else sql.SQL("false"),
            only=only if only_changed else sql.SQL(""),
            raw_columns=self._raw_columns(with_text=with_text),
        )

    def _raw_columns(self, *, with_text: bool) -> sql.Composable:
        names = ("raw_line", *self.header.columns) if with_text else self.rules.looked_at
        return sql.SQL("").join(sql.SQL(", {}").format(sql.Identifier("staging", n)) for n in names)


def clean(
    connection: Connection,
    load_id: int,
    *,
    replace: bool = False,
    limit_rejected: float = LIMIT_REJECTED,
) -> Report:
    """Merge the load's valid rows into ``customers`` and keep the others in ``rejected_rows``.

    ``replace`` says that the file is the whole customer base: who is not in it is removed.
    A load that was finished before is left as it is. A load that the gate stops changes no
    customer; its rejected rows and the verdict are kept.

    Raises:
        WarehouseError: the staging table is gone, so the file has to be loaded again.
    """
    connection.execute(statement("lock_loads"))
    done = read_report(connection, load_id)
    if done.judgement:
        return done
    staged = _staged(connection, load_id)
    connection.execute(sql.SQL("SET LOCAL work_mem = {}").format(sql.Literal(_WORK_MEMORY)))
    counts, judgement = _attempt(connection, staged, replace, limit_rejected)
    if judgement.verdict is Verdict.STOP:
        _reject(connection, staged, counts)
    _finish(connection, staged, counts, judgement)
    return read_report(connection, load_id)


class _StoppedError(Exception):
    """The gate stopped the load, and what was done is undone."""

    def __init__(self, counts: Counts, judgement: Judgement) -> None:
        super().__init__()
        self.counts = counts
        self.judgement = judgement


def _attempt(
    connection: Connection,
    staged: _Staged,
    replace: bool,
    limit_rejected: float,
) -> tuple[Counts, Judgement]:
    """Merge the load, and undo that if the gate then stops it."""
    try:
        with connection.transaction():
            counts = _merge(connection, staged, replace=replace)
            _reject(connection, staged, counts)
            judgement = _judge(connection, staged, counts, limit_rejected)
            if judgement.verdict is Verdict.STOP:
                raise _StoppedError(counts, judgement)
    except _StoppedError as stopped:
        all_counts = stopped.counts
        kept = Counts(
            accepted=all_counts.accepted,
            rejected=all_counts.rejected,
            churned=all_counts.churned,
        )
        return kept, stopped.judgement
    return counts, judgement


def _wanted(parts: Mapping[str, sql.Composable], *names: str) -> dict[str, sql.Composable]:
    return {name: parts[name] for name in names}


def _columns(table: str | None = None) -> sql.Composable:
    names = [(table, f.name) if table else (f.name,) for f in COLUMNS]
    return sql.SQL(", ").join(sql.Identifier(*name) for name in names)


def _staged(connection: Connection, load_id: int) -> _Staged:
    """Return the load that waits; a file with an id twice is found by a unique index."""
    row = connection.execute(
        "SELECT rows, delimiter, decimal_mark, headers, snapshot_date FROM loads"
        " WHERE load_id = %s",
        (load_id,),
    ).fetchone()
    if row is None:
        raise WarehouseError(f"there is no load {load_id}; load the file first")
    rows, delimiter, decimal, headers, day = row
    _require_staging(connection, load_id, int(str(rows)))
    header = match_header([str(name) for name in list(headers)])  # type: ignore[call-overload]
    present = [f for f in header.fields if f]
    rules = Rules(present, decimal_mark=str(decimal))
    staged = _Staged(load_id, int(str(rows)), str(delimiter), day, header, rules)
    return _Staged(**{**vars(staged), "has_repeats": _has_repeats(connection, staged)})


def _require_staging(connection: Connection, load_id: int, rows: int) -> None:
    name = staging_table(load_id).as_string(connection)
    query = sql.SQL("SELECT to_regclass({}) IS NOT NULL").format(sql.Literal(name))
    if scalar(connection, query):
        found = sql.SQL("SELECT EXISTS (SELECT FROM {})").format(staging_table(load_id))
        if rows and scalar(connection, found):
            return
    raise WarehouseError(
        f"the staging table of load {load_id} is gone (a crash of PostgreSQL empties it); "
        "load the file again"
    )


def _has_repeats(connection: Connection, staged: _Staged) -> bool:
    try:
        with connection.transaction():
            connection.execute(
                statement("index_staging", **_wanted(staged.parts, "staging", "staged_id"))
            )
    except psycopg.errors.UniqueViolation:
        return True
    return False


def _merge(connection: Connection, staged: _Staged, *, replace: bool) -> Counts:
    """Bring the valid rows to the customers; return what became of all rows."""
    empty = not scalar(connection, sql.SQL("SELECT EXISTS (SELECT FROM customers)"))
    if empty:
        return _insert_fresh(connection, staged)
    return _merge_changed(connection, staged, replace=replace)


def _insert_fresh(connection: Connection, staged: _Staged) -> Counts:
    """Fill the empty table first and index it then: far less work than row by row."""
    connection.execute("TRUNCATE customers")  # with wal_level minimal, nothing then goes to the WAL
    connection.execute("ALTER TABLE customers DROP CONSTRAINT customers_pkey")
    judged = staged.judged()
    query = statement(
        "insert_fresh_customers", **_wanted(staged.parts, "columns", "load_id"), judged=judged
    )
    inserted = connection.execute(query).rowcount
    key = sql.SQL("ALTER TABLE customers ADD CONSTRAINT customers_pkey PRIMARY KEY ({})")
    connection.execute(key.format(sql.Identifier(CUSTOMER_ID.name)))
    connection.execute("ANALYZE customers")
    return Counts(
        accepted=inserted,
        rejected=staged.rows - inserted,
        inserted=inserted,
        churned=_churned(connection, staged),
    )


def _merge_changed(connection: Connection, staged: _Staged, *, replace: bool) -> Counts:
    parts = staged.parts
    judged = staged.judged(only_changed=not staged.has_repeats)
    connection.execute("DROP TABLE IF EXISTS checked")
    connection.execute(statement("create_checked", judged=judged))
    row = connection.execute(statement("count_checked")).fetchone() or (0, 0)
    rejected, older = int(str(row[0])), int(str(row[1]))
    names = {"existing_columns": _columns("existing"), **_wanted(parts, "columns", "load_id")}
    history = statement("keep_history", **names, checked_columns=_columns("checked"))
    updated = connection.execute(history).rowcount
    merge = statement(
        "merge_customers", **names, excluded_columns=_columns("excluded"), assignments=_assigned()
    )
    inserted = int(str(scalar(connection, merge)))
    touched = ("staging", "staged_id", "source_hash", "row_snapshot_date")
    connection.execute(statement("touch_unchanged", **_wanted(parts, *touched)))
    return Counts(
        accepted=staged.rows - rejected,
        rejected=rejected,
        inserted=inserted,
        updated=updated,
        older=older,
        removed=_remove_absent(connection, staged) if replace else 0,
        churned=_churned(connection, staged),
    )


def _assigned() -> sql.Composable:
    names = [sql.Identifier(f.name) for f in COLUMNS if f is not CUSTOMER_ID]
    return sql.SQL(", ").join(sql.SQL("{0} = excluded.{0}").format(name) for name in names)


def _remove_absent(connection: Connection, staged: _Staged) -> int:
    parts = _wanted(staged.parts, "staging", "staged_id")
    connection.execute(
        statement("keep_removed", **parts, **_wanted(staged.parts, "columns", "load_id"))
    )
    return connection.execute(statement("remove_absent_customers", **parts)).rowcount


def _churned(connection: Connection, staged: _Staged) -> int:
    query = sql.SQL("SELECT count(*) FROM {} WHERE {}")
    left = staged.rules.value(customer.CHURN)
    return int(str(scalar(connection, query.format(staging_table(staged.load_id), left))))


def _reject(connection: Connection, staged: _Staged, counts: Counts) -> None:
    if not counts.rejected:
        return
    file_columns = [sql.Identifier(name) for name in staged.header.columns]
    query = statement(
        "reject_rows",
        load_id=sql.Literal(staged.load_id),
        delimiter=sql.Literal(staged.delimiter),
        file_columns=sql.SQL(", ").join(file_columns),
        reasons=staged.rules.reasons(),
        repeated=sql.Literal(REPEATED),
        judged=staged.judged(with_text=True),
    )
    connection.execute(query)


def _judge(
    connection: Connection, staged: _Staged, counts: Counts, limit_rejected: float
) -> Judgement:
    values = {"load_id": staged.load_id}
    last = connection.execute(statement("last_load", **placeholders(values)), values).fetchone()
    spoilt = connection.execute(statement("count_reasons", **placeholders(values)), values)
    return judge(
        Facts(
            counted=Counted(staged.rows, counts.churned),
            rejected=counts.rejected,
            limit_rejected=limit_rejected,
            spoilt={str(name): int(str(number)) for name, number in spoilt.fetchall()},
            last=Counted(*(int(str(n)) for n in last)) if last else None,
            leaks=staged.header.leaks,
            absent=tuple(f.header for f in staged.header.absent),
        )
    )


def _finish(connection: Connection, staged: _Staged, counts: Counts, judgement: Judgement) -> None:
    values = {
        "load_id": staged.load_id,
        "verdict": judgement.verdict.value,
        "reasons": list(judgement.reasons),
        **vars(counts),
    }
    connection.execute(statement("finish_load", **placeholders(values)), values)
    connection.execute(sql.SQL("DROP TABLE {}").format(staging_table(staged.load_id)))
