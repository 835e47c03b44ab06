"""Judges the customer files that were loaded, and how many predictions there are."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import cast

from churn.core.monitor_options import MonitorOptions
from churn.monitoring import quality
from churn.monitoring.alarm import Alarm
from churn.monitoring.quality import Loaded
from churn.pipeline.monitoring.drift_step import count_windows_before
from churn.warehouse.connect import Connection, run

SUBJECTS = ("predictions", "rejected rows", "age of the customers")
_MOST_LOADS = 10


def quality_alarms(
    connection: Connection, moment: datetime, options: MonitorOptions, version: str
) -> Iterator[Alarm]:
    """Yield the alarms about loads and the number of predictions; the sample does not grow old."""
    loads = _read_loads(connection, moment)
    counts = count_windows_before(connection, moment, options)
    today = moment.astimezone(UTC).date()
    for alarm in (
        quality.predictions(counts, version),
        quality.rejected(loads, version),
        quality.age(loads, today, options.stale_days, version),
    ):
        if alarm:
            yield alarm


def _read_loads(connection: Connection, moment: datetime) -> list[Loaded]:
    values = {"moment": moment, "most": _MOST_LOADS}
    rows = run(connection, "read_judged_loads", values).fetchall()
    return [Loaded(*row) for row in cast("list[tuple[str, object, int, int]]", rows)][::-1]  # type: ignore[arg-type]
