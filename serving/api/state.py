"""The state of the service: the live model, its workers, the queue of the prediction log."""

import time
from collections.abc import Iterator

from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from serving.api.metrics import CONTENT_TYPE
from serving.api.prediction_log import LogState
from serving.api.schemas import ModelOut, Ready
from serving.api.service import Service

METRICS_RESPONSES: dict[int | str, dict[str, object]] = {
    200: {"content": {CONTENT_TYPE: {"schema": {"type": "string"}}}}
}


def model(service: Service) -> ModelOut:
    """Describe the live model.

    Raises:
        NoModelError: no model is live.
    """
    manifest = service.live.model.manifest
    return ModelOut(
        version=manifest.version,
        created_at=manifest.created_at.isoformat(),
        trained_on=manifest.trained_on,
        threshold=manifest.threshold,
        policy=manifest.policy,
        cross_validation=manifest.cross_validation,
        majority_baseline=manifest.majority_baseline,
        refused=service.live.refused,
    )


def ready(service: Service) -> Ready:
    """Return what this worker and the others serve.

    Raises:
        NoModelError: this worker has no model.
    """
    version = service.live.model.version
    log = service.log.state()
    workers = list(service.workers.states())
    return Ready(
        status="degraded" if log.is_full else "ready",
        model_version=version,
        refused=service.live.refused,
        workers=workers,
        workers_agree=len({worker.model_version for worker in workers}) == 1,
        prediction_log=log,
    )


def exposition(service: Service) -> bytes:
    """Return counters and gauges in the format of Prometheus."""
    return service.metrics.exposition(_gauges(service))


def _gauges(service: Service) -> Iterator[Metric]:
    """Yield the gauges, whose values are read on request."""
    states = service.workers.states()
    serving = GaugeMetricFamily(
        "churn_worker_model",
        "1 for the version that a worker serves.",
        labels=["worker", "version"],
    )
    refused = GaugeMetricFamily(
        "churn_worker_refuses", "1 while a worker refuses the published version.", labels=["worker"]
    )
    for state in states:
        serving.add_metric([str(state.worker), state.model_version or ""], 1)
        refused.add_metric([str(state.worker)], int(state.refused is not None))
    yield serving
    yield refused
    yield GaugeMetricFamily("churn_workers", "Running workers.", len(states))
    yield from _log_gauges(service.log.state())
    yield GaugeMetricFamily(
        "churn_spool_age_seconds",
        "Age of the oldest predictions that wait for PostgreSQL.",
        service.log.age(),
    )
    yield from service.monitoring.collect()
    if service.live.version is not None:
        age = time.time() - service.live.model.manifest.created_at.timestamp()
        yield GaugeMetricFamily(
            "churn_model_age_seconds", "Seconds since the model was trained.", age
        )


def _log_gauges(log: LogState) -> Iterator[Metric]:
    about = "Predictions that wait for PostgreSQL."
    yield GaugeMetricFamily("churn_log_waiting", about, log.waiting)
    yield GaugeMetricFamily("churn_spool_bytes", "Size of the spool on disk.", log.bytes)
    yield GaugeMetricFamily("churn_spool_limit_bytes", "Limit of its size.", log.limit)
