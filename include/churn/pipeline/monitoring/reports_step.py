"""Writes what a monitoring run found."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from churn.monitoring.drift import FEWEST_ROWS
from churn.pipeline.monitoring.drift_step import DriftFound
from churn.pipeline.monitoring.performance_step import Period
from churn.warehouse import monitoring_tables
from churn.warehouse.connect import Connection
from churn.warehouse.monitoring_tables import Report, Verdict


def write_drift(connection: Connection, found: DriftFound, version: str, as_of: datetime) -> None:
    """Write the report of a window."""
    content = {
        "columns": [asdict(one) for one in found.columns],
        "unknown": found.fields.unknown,
        "estimate": asdict(found.estimate),
    }
    report = Report(
        model_version=version,
        window_start=found.start,
        window_end=found.end,
        as_of=as_of,
        verdict=_verdict(found),
        rows=found.rows,
        content=content,
    )
    monitoring_tables.write_drift_report(connection, report)


def _verdict(found: DriftFound) -> Verdict:
    if any(one.is_alarm for one in found.columns):
        return Verdict.ALARM
    return Verdict.OK if found.rows >= FEWEST_ROWS else Verdict.TOO_FEW_ROWS


def write_periods(connection: Connection, periods: Sequence[Period], as_of: datetime) -> None:
    """Write the report of each period."""
    for period in periods:
        monitoring_tables.write_performance_report(connection, _report(period, as_of))


def _report(period: Period, as_of: datetime) -> Report:
    found = period.performance
    content = {
        **asdict(found),
        "is_mature": period.is_mature,
        "is_selective": found.is_selective,
        "estimate": asdict(period.estimate) if period.estimate else None,
        "errors_of_the_estimate": dict(period.errors),
    }
    return Report(
        model_version=period.version,
        window_start=period.start,
        window_end=period.end,
        as_of=as_of,
        verdict=Verdict.OK if found.figures else Verdict.NO_LABELS_YET,
        rows=found.predictions,
        content=content,
    )
