"""Puts the service together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import PackageNotFoundError, version

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from churn.core.settings import Settings
from churn.registry.store import ModelStore
from churn.warehouse.connect import connect
from serving.api import customers, document, logs, problems, routes
from serving.api.batch import route as batch
from serving.api.doors import Doors
from serving.api.edge import Edge
from serving.api.limits import Limits
from serving.api.live_model import LiveModel
from serving.api.metrics import Metrics
from serving.api.predicting import DirectRoute, Predictor
from serving.api.prediction_log import PredictionLog
from serving.api.service import Service
from serving.api.spool import Spool
from serving.api.startup import keep_what_is_here, own_settings
from serving.api.workers import Workers, shared_folder

_DESCRIPTION = """
Predicts which customers will churn, how sure that is, and why, from any subset of the fields.
Errors are problem JSON (RFC 9457) that names the field and what was expected.
"""


def create_app(settings: Settings | None = None) -> FastAPI:
    """Return the service; nothing is opened before it starts.

    Without settings it is the process's own service: it reads the environment, and refuses to
    listen to other machines while there is no API key.
    """
    if settings is not None:
        return _assemble(settings)
    app = _assemble(own_settings())
    keep_what_is_here()
    return app


def _assemble(settings: Settings) -> FastAPI:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        logs.install()
        with (
            Workers(shared_folder(settings.spool)) as workers,
            Spool(settings.spool, limit=settings.log.spool_limit) as spool,
            PredictionLog(spool, lambda: connect(settings.database_url)) as predictions,
        ):
            service = _service(settings, workers, predictions)
            app.state.service, app.state.predictor = service, service.predictor
            service.refresh()
            following = asyncio.create_task(service.follow())
            yield
            following.cancel()

    app = FastAPIOffline(
        title="Churn prediction", version=_version(), description=_DESCRIPTION, lifespan=lifespan
    )
    app.state.settings = settings
    app.add_middleware(Edge)
    problems.install(app)
    for router in (routes.router, batch.router, customers.router):
        app.include_router(router)
    document.install(app)
    # What is asked for most is looked at first; the sort leaves the order of the others.
    app.router.routes.sort(key=lambda route: not isinstance(route, DirectRoute))
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
        doors=Doors(settings),
        workers=workers,
        limits=Limits.from_values(settings.service),
    )


def _version() -> str:
    try:
        return version("churn-pipeline")
    except PackageNotFoundError:  # the image has the source but not the package
        return "0"
