"""The parts of one worker, and its periodic refresh."""

import asyncio
import logging
import multiprocessing
import signal
from dataclasses import dataclass, field

from churn.core.log_options import LogOptions
from serving.api.authentication import Authentication
from serving.api.bodies import Bodies
from serving.api.limits import Limits
from serving.api.live_model import LiveModel
from serving.api.metrics import Metrics
from serving.api.monitoring_gauges import MonitoringGauges
from serving.api.predicting import Predictor
from serving.api.prediction_log import PredictionLog
from serving.api.workers import Workers

_INTERVAL_SECONDS = 0.5
_READERS = 4

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Service:
    """The parts that answer requests."""

    live: LiveModel
    log: PredictionLog
    predictor: Predictor
    log_options: LogOptions
    metrics: Metrics
    authentication: Authentication
    workers: Workers
    limits: Limits
    monitoring: MonitoringGauges
    reading: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_READERS))
    """Bounds the concurrent look-ups of customers in the database."""
    bodies: Bodies = field(default_factory=Bodies)

    def refresh(self) -> None:
        """Read the model store and the keys again; report the served version to other workers."""
        self.authentication.refresh()
        self.live.refresh()
        self.predictor.refresh()
        self.metrics.dropped(self.log.dropped)
        self.workers.report(self.live.version, self.live.refused)

    async def follow(self) -> None:
        """Refresh periodically; stop the service when its parent process was killed."""
        parent = multiprocessing.parent_process()
        while True:
            if parent is not None and not parent.is_alive():
                signal.raise_signal(signal.SIGTERM)
            try:
                await asyncio.to_thread(self.refresh)
            except Exception:
                log.exception("the refresh failed; trying again")
            await asyncio.sleep(_INTERVAL_SECONDS)
