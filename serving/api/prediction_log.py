"""Every answered prediction reaches ``prediction_logs`` exactly once.

The request path adds a record to the spool and never waits for PostgreSQL; a background task
ships batches. A batch that was shipped but not yet removed when the service was killed is
shipped again and changes nothing, as the table knows each prediction by its id.
"""

import asyncio
import json
import logging
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager

import psycopg

from churn.errors import ChurnError
from churn.warehouse.connect import Connection, placeholders, statement
from serving.api.spool import Spool

_BATCH = 2_000
_INTERVAL_SECONDS = 0.5
_LONGEST_WAIT_SECONDS = 15.0

log = logging.getLogger(__name__)

Connect = Callable[[], AbstractContextManager[Connection]]


class PredictionLog:
    """Takes records at once and ships them in the background."""

    def __init__(self, spool: Spool, connect: Connect) -> None:
        self._spool = spool
        self._connect = connect
        self.trouble: str | None = None

    def add(self, record: Mapping[str, object]) -> None:
        """Keep a record; when this returns it survives a crash of the service."""
        self._spool.add(json.dumps(record))

    def waiting(self) -> int:
        """Return how many records PostgreSQL does not have yet."""
        return self._spool.waiting()

    def ship(self) -> int:
        """Bring every waiting record to PostgreSQL; return how many those were."""
        shipped = 0
        while batch := self._spool.oldest(_BATCH):
            with self._connect() as connection:
                _insert(connection, [spooled.record for spooled in batch])
            self._spool.remove(batch)
            shipped += len(batch)
        return shipped

    async def follow(self) -> None:
        """Ship for as long as the service runs; wait longer while PostgreSQL is away."""
        wait = _INTERVAL_SECONDS
        while True:
            wait = await asyncio.to_thread(self._try_to_ship, wait)
            await asyncio.sleep(wait)

    def _try_to_ship(self, wait: float) -> float:
        try:
            self.ship()
        except (ChurnError, psycopg.Error, sqlite3.Error) as error:
            self._note(" ".join(str(error).split()))
            return min(2 * wait, _LONGEST_WAIT_SECONDS)
        self._note(None)
        return _INTERVAL_SECONDS

    def _note(self, trouble: str | None) -> None:
        if trouble and trouble != self.trouble:
            log.warning("predictions wait in the spool: %s", trouble)
        if self.trouble and not trouble:
            log.info("predictions are shipped again")
        self.trouble = trouble


def _insert(connection: Connection, records: list[str]) -> None:
    """One statement for the whole batch: idempotent, and the service needs no table of its own."""
    values = {"records": f"[{','.join(records)}]"}
    connection.execute(statement("insert_predictions", **placeholders(values)), values)
