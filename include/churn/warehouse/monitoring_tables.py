"""The reports of monitoring runs: one row per version, window and moment."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, cast

from psycopg import sql
from psycopg.types.json import Jsonb

from churn.core.errors import WarehouseError
from churn.warehouse.connect import Connection, placeholders, statement

_DRIFT: Final = sql.Identifier("drift_reports")
_PERFORMANCE: Final = sql.Identifier("performance_reports")


class Verdict(StrEnum):
    """What a report concludes; too few rows is not a pass."""

    OK = "ok"
    ALARM = "alarm"
    TOO_FEW_ROWS = "too few rows"
    NO_LABELS_YET = "no labels yet"


@dataclass(frozen=True, kw_only=True)
class Report:
    """What one run found about a version in a window, which ends before ``window_end``."""

    model_version: str
    window_start: datetime
    window_end: datetime
    as_of: datetime
    verdict: Verdict
    rows: int
    content: Mapping[str, Any]


@dataclass(frozen=True)
class StoredReport:
    """A report as it was read; ``made_at`` is when it was written last."""

    report_id: int
    made_at: datetime
    report: Report


def write_drift_report(connection: Connection, report: Report) -> int:
    """Write a report, or replace that of the same version, window and moment; return its id."""
    return _write(connection, _DRIFT, report)


def write_performance_report(connection: Connection, report: Report) -> int:
    """Write a report, or replace that of the same version, window and moment; return its id."""
    return _write(connection, _PERFORMANCE, report)


def read_last_drift_report(connection: Connection) -> StoredReport | None:
    """Return the report of the latest moment, if there is one."""
    return _read_last(connection, _DRIFT)


def read_last_performance_report(connection: Connection) -> StoredReport | None:
    """Return the report of the latest moment, if there is one."""
    return _read_last(connection, _PERFORMANCE)


def _write(connection: Connection, table: sql.Identifier, report: Report) -> int:
    values = {**vars(report), "content": Jsonb(finite(report.content))}
    query = statement("write_report", table=table, **placeholders(values))
    row = connection.execute(query, values).fetchone()
    if row is None:
        raise WarehouseError("a report was written, and PostgreSQL gave no id")
    return cast(int, row[0])


def _read_last(connection: Connection, table: sql.Identifier) -> StoredReport | None:
    row = connection.execute(statement("read_last_report", table=table)).fetchone()
    if row is None:
        return None
    report_id, version, start, end, as_of, made_at, verdict, rows, content = cast("Any", row)
    report = Report(
        model_version=version,
        window_start=start,
        window_end=end,
        as_of=as_of,
        verdict=Verdict(verdict),
        rows=rows,
        content=content,
    )
    return StoredReport(report_id, made_at, report)


def finite(value: Any) -> Any:
    """Return a value as JSON may hold it: a number that is not finite is null."""
    if isinstance(value, Mapping):
        return {str(name): finite(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [finite(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
