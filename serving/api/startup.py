"""What the service reads and checks before it starts."""

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
"""The exit code upon which uvicorn gives up instead of starting its workers again."""

log = logging.getLogger(__name__)


def own_settings() -> Settings:
    """Return what the environment says, or end the process and say why it cannot be served."""
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


def keep_what_is_here() -> None:
    """Look no more for garbage in all that a process that is nothing but the service started with.

    Requests would wait for it.
    """
    gc.freeze()
