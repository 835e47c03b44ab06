"""Turns a staging table into customers and rejected rows, in one transaction."""

import dataclasses

from psycopg import sql
from psycopg.types.json import Jsonb

from churn.customer.description import COLUMNS, MIN_PER_CLASS, SNAPSHOT_DATE
from churn.warehouse import customers
from churn.warehouse.cleaning.cells import as_written
from churn.warehouse.cleaning.comparison import count_sample
from churn.warehouse.cleaning.distributions import (
    Moved,
    distributions_of,
    find_moved,
    read_distributions,
)
from churn.warehouse.cleaning.gate import (
    LOADS_COMPARED,
    Facts,
    InvalidValues,
    Judgement,
    Terms,
    Trouble,
    Verdict,
    judge,
)
from churn.warehouse.cleaning.load_report import LoadReport, RowCounts, read_report
from churn.warehouse.cleaning.merge import Merged, merge
from churn.warehouse.cleaning.row_rules import REPEATED
from churn.warehouse.cleaning.sizes import Counted, expected_rows, usual
from churn.warehouse.cleaning.waiting_load import WaitingLoad, read_waiting_load
from churn.warehouse.connect import Connection, run, scalar, statement
from churn.warehouse.load_lock import lock_loads
from churn.warehouse.loading.staging import staging_table


def clean(
    connection: Connection,
    load_id: int,
    terms: Terms | None = None,
) -> LoadReport:
    """Merge the load's valid rows into ``customers`` and keep the others in ``rejected_rows``.

    A load that was cleaned before does not change. A load that the quality gate stops changes no
    customer; its rejected rows and the verdict are kept.

    Raises:
        WarehouseError: the staging table is gone; load the file again.
    """
    lock_loads(connection, f"clean load {load_id}")
    done = read_report(connection, load_id)
    if done.judgement:
        return dataclasses.replace(done, done_before=True)
    load = read_waiting_load(connection, load_id)
    connection.execute(statement("tune_load"))
    merged, judgement = _attempt(connection, load, terms or Terms())
    if judgement.verdict is Verdict.STOP:
        _reject(connection, merged)
    starts = bool(terms and terms.replace) and not merged.comparison.has_known
    _finish(connection, merged, judgement, starts=starts)
    return read_report(connection, load_id)


class _StoppedError(Exception):
    """The quality gate stopped the load; the merge is rolled back."""

    def __init__(self, merged: Merged, judgement: Judgement) -> None:
        super().__init__()
        self.merged = merged
        self.judgement = judgement


def _attempt(connection: Connection, load: WaitingLoad, terms: Terms) -> tuple[Merged, Judgement]:
    """Merge the load; roll that back if the quality gate stops it."""
    try:
        with connection.transaction():
            merged = merge(connection, load, replace=terms.replace)
            _reject(connection, merged)
            judgement = _judge(connection, merged, terms)
            if judgement.verdict is Verdict.STOP:
                raise _StoppedError(merged, judgement)
    except _StoppedError as stopped:
        counts = stopped.merged.counts
        kept = RowCounts(accepted=counts.accepted, rejected=counts.rejected, churned=counts.churned)
        return dataclasses.replace(stopped.merged, counts=kept), stopped.judgement
    return merged, judgement


def _reject(connection: Connection, merged: Merged) -> None:
    load = merged.load
    if not merged.counts.rejected:
        return
    cells = [as_written(name, load.delimiter) for name in load.header.columns]
    query = statement(
        "reject_rows",
        **load.parts("staging", "load_id"),
        delimiter=sql.Literal(load.delimiter),
        cells=sql.SQL(", ").join(cells),
        reasons=load.rules.reasons(),
        repeated=sql.Literal(REPEATED),
        judged=load.judged(with_text=True),
    )
    connection.execute(query)


def _judge(connection: Connection, merged: Merged, terms: Terms) -> Judgement:
    load, counts, comparison = merged.load, merged.counts, merged.comparison
    only_new = counts.accepted == counts.inserted
    unlike = merged.is_partial or only_new or comparison.is_older
    last = [] if unlike else _read_last_loads(connection, merged)
    mostly_known = 2 * counts.inserted <= counts.accepted
    is_other_base = only_new and counts.inserted >= 2 * MIN_PER_CLASS
    return judge(
        Facts(
            counted=Counted(load.rows, counts.churned),
            rejected=counts.rejected,
            terms=terms,
            invalid=_read_invalid(connection, load.load_id),
            last=usual(last),
            leaks=load.header.leaks,
            lacks=tuple(f.header for f in load.header.absent),
            malformed=_count_malformed(connection, load) if counts.rejected else 0,
            unended=load.unended,
            replaced_by=customers.count(connection) if terms.replace else None,
            absent=comparison.absent,
            expected_rows=expected_rows(last) if mostly_known else 0,
            older=counts.older,
            is_older=comparison.is_older,
            moved=() if comparison.is_older else _find_moved(connection, merged),
            sample=count_sample(connection) if comparison.known and is_other_base else 0,
        )
    )


def _find_moved(connection: Connection, merged: Merged) -> tuple[Moved, ...]:
    load_id, comparison = merged.load.load_id, merged.comparison
    known = comparison.has_known
    earlier = read_distributions(connection, load_id, loads=LOADS_COMPARED, has_known=known)
    return find_moved(comparison.columns, earlier, covers=comparison.covers)


def _read_invalid(connection: Connection, load_id: int) -> tuple[InvalidValues, ...]:
    values: dict[str, object] = {
        "load_id": load_id,
        "repeated": REPEATED,
        "fields": [field.name for field in (*COLUMNS, SNAPSHOT_DATE)],
        **{trouble.name.lower(): trouble.value for trouble in Trouble},
    }
    return tuple(
        InvalidValues(str(name), Trouble(str(trouble)), int(str(number)))
        for name, trouble, number in run(connection, "count_reasons", values).fetchall()
    )


def _read_last_loads(connection: Connection, merged: Merged) -> list[Counted]:
    values: dict[str, object] = {
        "load_id": merged.load.load_id,
        "loads": LOADS_COMPARED,
        "has_known": merged.comparison.has_known,
    }
    found = run(connection, "read_last_loads", values).fetchall()
    return [Counted(int(str(rows)), int(str(churned))) for rows, churned in found]


def _count_malformed(connection: Connection, load: WaitingLoad) -> int:
    query = sql.SQL("SELECT count(malformed) FROM {}").format(staging_table(load.load_id))
    return int(str(scalar(connection, query)))


def _finish(connection: Connection, merged: Merged, judgement: Judgement, *, starts: bool) -> None:
    load_id, stopped = merged.load.load_id, judgement.verdict is Verdict.STOP
    values = {
        "load_id": load_id,
        "verdict": judgement.verdict.value,
        "reasons": list(judgement.reasons),
        "complete": merged.complete,
        "is_partial": merged.is_partial,
        "is_baseline": not stopped and (starts or judgement.allowed),
        "profile": None if stopped else Jsonb(distributions_of(merged.comparison.columns)),
        **vars(merged.counts),
    }
    run(connection, "finish_load", values)
    connection.execute(sql.SQL("DROP TABLE {}").format(staging_table(load_id)))
