"""Creates the application."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import PackageNotFoundError, version

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from churn.core.settings import Settings
from churn.registry.store import ModelStore
from churn.warehouse.connect import connect
from serving.api import customers, document, logs, outcomes, problems, routes
from serving.api.authentication import Authentication
from serving.api.batch import route as batch
from serving.api.limits import Limits
from serving.api.live_model import LiveModel
from serving.api.metrics import Metrics
from serving.api.middleware import Middleware
from serving.api.monitoring_gauges import MonitoringGauges
from serving.api.predicting import Predictor
from serving.api.prediction_log import PredictionLog
from serving.api.service import Service
from serving.api.startup import freeze_memory, own_settings
from serving.api.worker_spool import WorkerSpool
from serving.api.workers import Workers, shared_folder

_DESCRIPTION = """
Predicts from any subset of the fields whether customers will churn, with an interval and reasons.
Errors are problem JSON (RFC 9457) with the field and the expected values.
"""


def create_app(settings: Settings | None = None) -> FastAPI:
    """Return the application; files and connections are opened when it starts.

    Without settings it reads the environment, and refuses to listen to other machines while there
    is no API key.
    """
    if settings is not None:
        return _assemble(settings)
    app = _assemble(own_settings())
    freeze_memory()
    return app


def _assemble(settings: Settings) -> FastAPI:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        logs.install()
        with (
            Workers(shared_folder(settings.spool)) as workers,
            WorkerSpool(settings.spool, limit=settings.log.spool_limit) as spool,
            PredictionLog(spool, lambda: connect(settings.database_url)) as predictions,
        ):
            service = _service(settings, workers, predictions)
            app.state.service, app.state.predictor = service, service.predictor
            service.refresh()
            following = asyncio.create_task(service.follow())
            yield
            following.cancel()

    app = FastAPIOffline(
        title="Churn prediction",
        version=_version(),
        description=_DESCRIPTION,
        lifespan=lifespan,
        routes=routes.predict_router.routes,  # before the documentation's: they match in order
    )
    app.state.settings = settings
    app.add_middleware(Middleware)
    problems.install(app)
    for router in (routes.router, batch.router, customers.router, outcomes.router):
        app.include_router(router)
    document.install(app)
    return app


def _service(settings: Settings, workers: Workers, predictions: PredictionLog) -> Service:
    metrics = Metrics(workers.folder, workers.number)
    live = LiveModel(ModelStore(settings.model_store), metrics)
    return Service(
        live=live,
        log=predictions,
        predictor=Predictor(live, predictions, metrics, settings.log),
        log_options=settings.log,
        metrics=metrics,
        authentication=Authentication(settings),
        workers=workers,
        limits=Limits.from_values(settings.service),
        monitoring=MonitoringGauges(lambda: connect(settings.database_url)),
    )


def _version() -> str:
    try:
        return version("churn-pipeline")
    except PackageNotFoundError:  # the image has the source but not the package
        return "0"
