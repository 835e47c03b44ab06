"""Turns a staging table into customers and rejected rows, in one transaction."""

import dataclasses

from psycopg import sql

from churn.customer import COLUMNS, SNAPSHOT_DATE
from churn.warehouse import customers
from churn.warehouse.cells import as_written
from churn.warehouse.connect import Connection, placeholders, scalar, statement
from churn.warehouse.gate import (
    LIMIT_REJECTED,
    LOADS_COMPARED,
    Counted,
    Facts,
    Judgement,
    Spoilt,
    Trouble,
    Verdict,
    judge,
    usual,
)
from churn.warehouse.load_lock import lock_loads
from churn.warehouse.merge import Merged, merge
from churn.warehouse.report import Counts, Report, read_report
from churn.warehouse.rules import REPEATED
from churn.warehouse.staged import Staged, read_staged
from churn.warehouse.staging import staging_table


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
    lock_loads(connection, f"clean load {load_id}")
    done = read_report(connection, load_id)
    if done.judgement:
        return dataclasses.replace(done, done_before=True)
    staged = read_staged(connection, load_id)
    connection.execute(statement("tune_load"))
    merged, judgement = _attempt(connection, staged, replace, limit_rejected)
    if judgement.verdict is Verdict.STOP:
        _reject(connection, merged)
    _finish(connection, merged, judgement)
    return read_report(connection, load_id)


class _StoppedError(Exception):
    """The gate stopped the load, and what was done is undone."""

    def __init__(self, merged: Merged, judgement: Judgement) -> None:
        super().__init__()
        self.merged = merged
        self.judgement = judgement


def _attempt(
    connection: Connection,
    staged: Staged,
    replace: bool,
    limit_rejected: float,
) -> tuple[Merged, Judgement]:
    """Merge the load, and undo that if the gate then stops it."""
    try:
        with connection.transaction():
            merged = merge(connection, staged, replace=replace)
            _reject(connection, merged)
            judgement = _judge(connection, merged, limit_rejected, replace=replace)
            if judgement.verdict is Verdict.STOP:
                raise _StoppedError(merged, judgement)
    except _StoppedError as stopped:
        counts = stopped.merged.counts
        kept = Counts(accepted=counts.accepted, rejected=counts.rejected, churned=counts.churned)
        return Merged(stopped.merged.staged, kept), stopped.judgement
    return merged, judgement


def _reject(connection: Connection, merged: Merged) -> None:
    staged = merged.staged
    if not merged.counts.rejected:
        return
    cells = [as_written(name, staged.delimiter) for name in staged.header.columns]
    query = statement(
        "reject_rows",
        **staged.parts("staging", "load_id"),
        delimiter=sql.Literal(staged.delimiter),
        cells=sql.SQL(", ").join(cells),
        reasons=staged.rules.reasons(),
        repeated=sql.Literal(REPEATED),
        judged=staged.judged(with_text=True),
    )
    connection.execute(query)


def _judge(
    connection: Connection, merged: Merged, limit_rejected: float, *, replace: bool
) -> Judgement:
    staged, counts = merged.staged, merged.counts
    return judge(
        Facts(
            counted=Counted(staged.rows, counts.churned),
            rejected=counts.rejected,
            limit_rejected=limit_rejected,
            spoilt=_read_spoilt(connection, staged.load_id),
            last=_read_last_loads(connection, staged.load_id),
            leaks=staged.header.leaks,
            absent=tuple(f.header for f in staged.header.absent),
            torn=_count_torn(connection, staged) if counts.rejected else 0,
            unended=staged.unended,
            replaced_by=customers.count(connection) if replace else None,
        )
    )


def _read_spoilt(connection: Connection, load_id: int) -> tuple[Spoilt, ...]:
    values: dict[str, object] = {
        "load_id": load_id,
        "repeated": REPEATED,
        "fields": [field.name for field in (*COLUMNS, SNAPSHOT_DATE)],
        **{trouble.name.lower(): trouble.value for trouble in Trouble},
    }
    query = statement("count_reasons", **placeholders(values))
    return tuple(
        Spoilt(str(name), Trouble(str(trouble)), int(str(number)))
        for name, trouble, number in connection.execute(query, values).fetchall()
    )


def _read_last_loads(connection: Connection, load_id: int) -> Counted | None:
    values = {"load_id": load_id, "loads": LOADS_COMPARED}
    query = statement("read_last_loads", **placeholders(values))
    found = connection.execute(query, values).fetchall()
    return usual(Counted(int(str(rows)), int(str(churned))) for rows, churned in found)


def _count_torn(connection: Connection, staged: Staged) -> int:
    query = sql.SQL("SELECT count(malformed) FROM {}").format(staging_table(staged.load_id))
    return int(str(scalar(connection, query)))


def _finish(connection: Connection, merged: Merged, judgement: Judgement) -> None:
    load_id = merged.staged.load_id
    values = {
        "load_id": load_id,
        "verdict": judgement.verdict.value,
        "reasons": list(judgement.reasons),
        "complete": merged.complete,
        **vars(merged.counts),
    }
    connection.execute(statement("finish_load", **placeholders(values)), values)
    connection.execute(sql.SQL("DROP TABLE {}").format(staging_table(load_id)))
