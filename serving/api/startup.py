"""Reads and checks the settings before the service starts."""

import gc
import logging
import sys

from churn.core.errors import ChurnError
from churn.core.settings import Settings
from serving.api import logs
from serving.api.authentication import Authentication, require_keys, started_with
from serving.api.limits import Limits
from serving.api.worker_spool import WorkerSpool

STARTUP_FAILED = 3
"""With this exit code uvicorn ends instead of restarting its workers."""

log = logging.getLogger(__name__)


def own_settings() -> Settings:
    """Return the settings of the environment, or log what is wrong and end the process."""
    try:
        settings = Settings.from_environment()
        require_keys(Authentication(settings), *started_with())
        Limits.from_values(settings.service)
        WorkerSpool(settings.spool, limit=settings.log.spool_limit).close()
    except (ChurnError, OSError) as error:
        logs.install()
        log.critical("%s", error)
        sys.exit(STARTUP_FAILED)
    return settings


def freeze_memory() -> None:
    """Exclude what the process started with from garbage collection, which delays requests."""
    gc.freeze()
