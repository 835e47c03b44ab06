"""Judges the customer files that were loaded, and how many predictions there are."""

from collections.abc import Iterator
from datetime import UTC, date
from typing import cast

from churn.monitoring import quality
from churn.monitoring.alarm import Alarm
from churn.monitoring.quality import Loaded
from churn.pipeline.monitoring.context import RunContext
from churn.pipeline.monitoring.drift_step import count_windows_before
from churn.warehouse.connect import run as execute

SUBJECTS = ("predictions", "rejected rows", "age of the customers")
_MOST_LOADS = 10


def quality_alarms(run: RunContext, version: str) -> Iterator[Alarm]:
    """Yield the alarms about loads and the number of predictions; the sample does not grow old."""
    loads = _read_loads(run)
    today = run.moment.astimezone(UTC).date()
    for alarm in (
        quality.predictions(count_windows_before(run), version),
        quality.rejected(loads, version),
        quality.age(loads, today, run.options.stale_days, version),
    ):
        if alarm:
            yield alarm


def _read_loads(run: RunContext) -> list[Loaded]:
    values = {"moment": run.moment, "most": _MOST_LOADS}
    rows = execute(run.connection, "read_judged_loads", values).fetchall()
    return [Loaded(*row) for row in cast("list[tuple[str, date, int, int]]", rows)][::-1]
