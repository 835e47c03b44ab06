"""Gauges on the state of monitoring, read from PostgreSQL: at most once in a while, in a thread.

They are absent while PostgreSQL cannot be read, rather than those of some time ago.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import psycopg
from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from churn.core.errors import ChurnError
from churn.monitoring.alarm import AlarmKind
from churn.warehouse.connect import Connection
from churn.warehouse.monitoring_state import StateFigure, read_state
from churn.warehouse.monitoring_tables import Verdict

_INTERVAL_SECONDS: Final = 15.0
_PATIENCE_SECONDS: Final = 2.0
"""An answer is not delayed for longer by a PostgreSQL that does not answer."""

_ABOUT: Final = {
    "unsent_messages": ("churn_alarm_messages_unsent", "Messages that a service did not take."),
    "drift_report_age": (
        "churn_drift_report_age_seconds",
        "Seconds since the last drift report was written.",
    ),
    "performance_report_age": (
        "churn_performance_report_age_seconds",
        "Seconds since the last report on live performance was written.",
    ),
    "decision_age": (
        "churn_training_decision_age_seconds",
        "Seconds since a training run decided on a candidate.",
    ),
    "load_age": (
        "churn_load_age_seconds",
        "Seconds since a customer file was loaded that was not stopped.",
    ),
    "label_coverage": (
        "churn_label_coverage_ratio",
        "Share of the predictions of the last mature period that have an outcome.",
    ),
}
_IS_AGE: Final = "_age"


@dataclass(frozen=True)
class _Read:
    """What was read at a moment of the monotonic clock; None where PostgreSQL did not answer."""

    moment: float
    figures: Sequence[StateFigure] | None


class MonitoringGauges:
    """Reads the state when it is requested, unless it was read a moment ago."""

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._connect = connect
        self._last = _Read(-_INTERVAL_SECONDS, None)
        self._lock = threading.Lock()
        self._reading: threading.Thread | None = None

    def collect(self) -> Iterator[Metric]:
        """Yield the gauges; without those of the database where it does not answer in time."""
        last = self._current()
        is_up = int(last.figures is not None)
        yield GaugeMetricFamily("churn_database_up", "1 if PostgreSQL can be read.", is_up)
        if last.figures is not None:
            yield from _gauges(last.figures, time.monotonic() - last.moment)

    def _current(self) -> _Read:
        with self._lock:
            if time.monotonic() - self._last.moment < _INTERVAL_SECONDS:
                return self._last
            if self._reading is None or not self._reading.is_alive():
                self._reading = threading.Thread(target=self._read, daemon=True)
                self._reading.start()
            reading = self._reading
        reading.join(_PATIENCE_SECONDS)
        last = self._last
        is_fresh = time.monotonic() - last.moment < _INTERVAL_SECONDS
        return last if is_fresh else _Read(time.monotonic(), None)

    def _read(self) -> None:
        figures: Sequence[StateFigure] | None = None
        try:
            with self._connect() as connection:
                figures = read_state(connection)
        except (ChurnError, psycopg.Error, OSError):
            figures = None
        self._last = _Read(time.monotonic(), figures)


def _gauges(figures: Sequence[StateFigure], since: float) -> Iterator[Metric]:
    """Yield a gauge per figure; ages have grown since they were read."""
    alarms = {one.label: one.figure for one in figures if one.name == "open_alarms"}
    about = "Open alarms of monitoring."
    yield _by_label("churn_open_alarms", about, "kind", dict.fromkeys(AlarmKind, 0.0) | alarms)
    if verdicts := {one.label: one.figure for one in figures if one.name == "drift_verdict"}:
        about = "1 for the verdict of the last drift report."
        every = dict.fromkeys(Verdict, 0.0) | verdicts
        yield _by_label("churn_drift_verdict", about, "verdict", every)
    for one in figures:
        if one.name in _ABOUT:
            grown = since if one.name.endswith(_IS_AGE) else 0.0
            yield GaugeMetricFamily(*_ABOUT[one.name], one.figure + grown)


def _by_label(name: str, about: str, label: str, values: dict[str, float]) -> Metric:
    family = GaugeMetricFamily(name, about, labels=[label])
    for value, figure in values.items():
        family.add_metric([str(value)], figure)
    return family
