"""The lock that loads and migrations take, and the session that holds it."""

import logging
import time
from typing import Final

from churn.core.errors import plain
from churn.warehouse.connect import Connection, scalar, statement

_PAUSE_SECONDS: Final = 0.1
_LOG_EVERY_SECONDS: Final = 5.0
_SET_NAME: Final = "SELECT set_config('application_name', %s, true)"

log = logging.getLogger(__name__)


def lock_loads(connection: Connection, purpose: str) -> None:
    """Take the lock until the end of the transaction; while waiting, log the session that holds it.

    Sessions that wait log the purpose.
    """
    started = logged = time.monotonic()
    while not scalar(connection, statement("lock_loads")):
        now = time.monotonic()
        if logged == started or now - logged >= _LOG_EVERY_SECONDS:
            log.info("%s waits %.0f s for %s", purpose, now - started, _holder(connection))
            logged = now
        time.sleep(_PAUSE_SECONDS)
    connection.execute(_SET_NAME, (f"churn: {purpose}",))


def _holder(connection: Connection) -> str:
    row = connection.execute(statement("find_lock_holder")).fetchone()
    if row is None:
        return "a load that has just ended"
    pid, name, user, seconds = row
    since = "" if seconds is None else f", at work for {seconds} s"
    return f"{plain(str(name))} (PostgreSQL process {pid} of {user}{since})"
