"""Counters and histograms for Prometheus, correct across workers and their restarts.

prometheus-client's multiprocess mode keeps every worker's counts in a mapped file, so any worker
can report them all, and those of a killed worker are kept. The files are named by the workers'
numbers, not process ids: a restarted worker continues in its predecessor's file.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest, values
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
_BYTES = 1 << 20
"""Initial size of a file; enough for thousands of time series."""

_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60)


class _State(Collector):
    def __init__(self, found: Iterable[Metric]) -> None:
        self._found = list(found)

    def collect(self) -> Iterable[Metric]:
        return self._found


class Metrics:
    """One worker's counts, in a folder that the workers share."""

    def __init__(self, folder: Path, worker: int) -> None:
        self._folder = folder
        for kind in ("counter", "histogram"):
            _reserve(folder / f"{kind}_{worker}.db")
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
        values.ValueClass = values.MultiProcessValue(lambda: worker)  # type: ignore[no-untyped-call]
        labels = ("route", "status")
        about = "Seconds from a request's first byte to its answer's last, by route and status."
        self._seconds = Histogram(
            "churn_request_duration_seconds", about, labels, registry=None, buckets=_BUCKETS
        )
        self._predictions = _counter(
            "churn_predictions", "ScoredRows predictions.", ("version", "decision")
        )
        self._rows = _counter("churn_batch_rows", "Rows of batches, by outcome.", ("outcome",))
        self.reloads = _counter("churn_model_reloads", "Versions that a worker swapped in.")
        self.refusals = _counter("churn_model_refusals", "Versions that a worker refused.")
        self._dropped = _counter("churn_log_dropped", "Predictions that could not be recorded.")
        self._reported_dropped = 0
        self._observed: dict[tuple[str, int], Histogram] = {}
        self._predicted: dict[tuple[str, int], Counter] = {}

    def observe(self, route: str, status: int, seconds: float) -> None:
        """Count a request."""
        child = self._observed.get((route, status))
        if child is None:
            child = self._observed[route, status] = self._seconds.labels(route, status)
        child.observe(seconds)

    def predicted(self, version: str, decision: int, times: int = 1) -> None:
        """Count answered predictions."""
        child = self._predicted.get((version, decision))
        if child is None:
            child = self._predicted[version, decision] = self._predictions.labels(version, decision)
        child.inc(times)

    def read_rows(self, *, scored: int, refused: int) -> None:
        """Count rows of a batch."""
        self._rows.labels("scored").inc(scored)
        self._rows.labels("refused").inc(refused)

    def dropped(self, total: int) -> None:
        """Set how many predictions this worker could not record."""
        self._dropped.inc(total - self._reported_dropped)
        self._reported_dropped = total

    def exposition(self, state: Iterable[Metric] = ()) -> bytes:
        """Return the counts of every worker, and the given state, as text."""
        registry = CollectorRegistry()
        registry.register(_State(state))
        MultiProcessCollector(registry, str(self._folder))  # type: ignore[no-untyped-call]
        return generate_latest(registry)


def _reserve(path: Path) -> None:
    """Reserve the space of a mapped file: writing to it on a full disk would end the process."""
    with path.open("ab") as file:
        file.write(bytes(max(_BYTES - file.tell(), 0)))


def _counter(name: str, about: str, labels: tuple[str, ...] = ()) -> Counter:
    return Counter(name, about, labels, registry=None)
