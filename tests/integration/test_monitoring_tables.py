from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from churn.warehouse import monitoring_tables
from churn.warehouse.connect import Connection, connect
from churn.warehouse.monitoring_tables import Report, Verdict
from tests.loading import number

NIGHT = datetime(2026, 11, 1, tzinfo=UTC)
REPORT = Report(
    model_version="v1",
    window_start=NIGHT - timedelta(days=7),
    window_end=NIGHT,
    as_of=NIGHT,
    verdict=Verdict.OK,
    rows=200,
    content={"columns": [{"name": "contract", "statistic": 0.2}]},
)


def test_a_repeated_run_replaces_its_report(url: str, connection: Connection) -> None:
    with connect(url) as other:
        first = monitoring_tables.write_drift_report(other, REPORT)
        again = replace(REPORT, verdict=Verdict.ALARM, rows=201)
        assert monitoring_tables.write_drift_report(other, again) == first
    last = monitoring_tables.read_last_drift_report(connection)
    assert last
    assert last.report == again
    assert number(connection, "SELECT count(*) FROM drift_reports") == 1


def test_the_last_report_is_that_of_the_latest_moment_however_late_it_was_written(url: str) -> None:
    with connect(url) as connection:
        monitoring_tables.write_performance_report(connection, REPORT)
        earlier = replace(REPORT, as_of=NIGHT - timedelta(days=30))
        monitoring_tables.write_performance_report(connection, earlier)
        last = monitoring_tables.read_last_performance_report(connection)
        assert last
        assert last.report == REPORT
        assert monitoring_tables.read_last_drift_report(connection) is None


def test_numbers_that_are_not_finite_are_null(url: str) -> None:
    content = {"auc": float("nan"), "by": [{"high": float("inf")}, (1, float("-inf"))]}
    with connect(url) as connection:
        monitoring_tables.write_drift_report(connection, replace(REPORT, content=content))
        last = monitoring_tables.read_last_drift_report(connection)
    assert last
    assert last.report.content == {"auc": None, "by": [{"high": None}, [1, None]]}


@pytest.mark.parametrize("change", [{"rows": -1}, {"window_end": NIGHT - timedelta(days=9)}])
def test_a_report_that_cannot_be_is_refused(change: dict[str, object], url: str) -> None:
    with connect(url) as connection, pytest.raises(psycopg.errors.CheckViolation):
        monitoring_tables.write_drift_report(connection, replace(REPORT, **change))  # type: ignore[arg-type]
