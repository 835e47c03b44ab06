"""Puts the service together."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import PackageNotFoundError, version

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from churn.registry.store import ModelStore
from churn.settings import Settings
from churn.warehouse.connect import connect
from serving.api import problems
from serving.api.live_model import LiveModel
from serving.api.metrics import Metrics
from serving.api.predicting import Predictor
from serving.api.prediction_log import PredictionLog
from serving.api.routes import router
from serving.api.spool import Spool

_DESCRIPTION = """
Who will leave, how sure that is, and why, from as many or as few fields as are known.
Errors are problem JSON (RFC 9457) that names the field and what was expected.
"""


def create_app(settings: Settings | None = None) -> FastAPI:
    """Return the service; nothing is opened before it starts."""
    chosen = settings or Settings.from_environment()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
        live = LiveModel(ModelStore(chosen.model_store))
        with (
            Spool(chosen.spool, limit=chosen.log.spool_limit) as spool,
            PredictionLog(spool, lambda: connect(chosen.database_url)) as log,
        ):
            app.state.live_model, app.state.prediction_log = live, log
            app.state.predictor = Predictor(live, log, Metrics(), chosen.log)
            live.refresh()
            following = asyncio.create_task(live.follow())
            yield
            following.cancel()

    app = FastAPIOffline(
        title="Churn prediction", version=_version(), description=_DESCRIPTION, lifespan=lifespan
    )
    problems.install(app)
    app.include_router(router)
    return app


def _version() -> str:
    try:
        return version("churn-pipeline")
    except PackageNotFoundError:  # the image has the source but not the package
        return "0"
