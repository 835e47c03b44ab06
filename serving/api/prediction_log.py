"""Every answered prediction reaches ``prediction_logs`` exactly once.

The request path adds a record to the spool and never waits for PostgreSQL; a thread ships finished
segments, of this worker and of others. A segment that was shipped but not removed when the service
was killed is shipped again without effect, as the database knows each prediction by its id.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from typing import Final, Self

import psycopg

from churn.core.errors import ChurnError, ConnectionFailedError
from churn.warehouse.connect import Connection, message_of, placeholders, statement
from churn.warehouse.predictions.log_records import halves, is_block, predictions_in
from churn.warehouse.predictions.spool import Finished
from churn.warehouse.schema import require_current
from serving.api.worker_spool import WorkerSpool

_BATCH: Final = 2_000
"""Predictions per insert."""

_INTERVAL_SECONDS: Final = 0.5
_LONGEST_WAIT_SECONDS: Final = 5.0
_END_SECONDS: Final = 3.0
_CHECK_SECONDS: Final = 10.0
"""The tables are compared with this release so often, and at each try while they differ."""
_RECORDS: Final = "records"

log = logging.getLogger(__name__)

Connect = Callable[[], Connection]


@dataclass(frozen=True)
class LogState:
    """Predictions that wait for PostgreSQL, and why.

    ``waiting`` predictions take ``bytes`` of at most ``limit``, those of other workers included;
    ``dropped`` is how many predictions this worker could not record.
    """

    waiting: int
    bytes: int
    limit: int
    dropped: int
    trouble: str | None

    @property
    def is_full(self) -> bool:
        """Whether less than a hundredth of the limit is free."""
        return self.bytes > 0.99 * self.limit


class PredictionLog:
    """Takes records at once and ships them in the background, while its block lasts.

    Records stay in the spool while the database is away, behind this release or ahead of it.
    """

    def __init__(self, spool: WorkerSpool, connect: Connect) -> None:
        self._spool = spool
        self.folder = spool.folder
        self._connect = connect
        self._stop = threading.Event()
        # A daemon: a PostgreSQL that hangs does not keep the process from ending.
        self._thread = threading.Thread(target=self._follow, name="prediction log", daemon=True)
        self.trouble: str | None = None
        self._next_check = 0.0

    def add(self, *records: bytes) -> None:
        """Add JSON records; when this returns they survive the end of the process.

        Raises:
            NotRecordedError: they could not be written.
        """
        self._spool.add(*records)

    @property
    def dropped(self) -> int:
        """How many predictions this worker could not record."""
        return self._spool.dropped

    def erasures(self) -> int:
        """Return a number that changes when a customer is erased."""
        return self._spool.erasures()

    def state(self) -> LogState:
        """Return the current state."""
        spool = self._spool
        return LogState(spool.waiting(), spool.used, spool.limit, spool.dropped, self.trouble)

    def age(self) -> float:
        """Return the age of the oldest predictions that wait, in seconds; 0 where none wait."""
        return self._spool.age()

    def ship(self) -> int:
        """Ship all finished segments and our own; return the number of predictions."""
        self._spool.measure()
        if not self._spool.used:
            self._check_while_idle()
            return 0
        with self._connect() as connection:  # before a segment is finished: this may fail
            self._check_tables(connection)
            self._spool.finish()
            return sum(self._ship_segment(connection, each) for each in self._spool.finished())

    def _check_while_idle(self) -> None:
        """Compare the tables although nothing is to be shipped.

        An unreachable PostgreSQL is reported once records wait.
        """
        if time.monotonic() >= self._next_check:
            with suppress(ConnectionFailedError), self._connect() as connection:
                self._check_tables(connection)
            self._next_check = time.monotonic() + _CHECK_SECONDS

    def _check_tables(self, connection: Connection) -> None:
        """Compare the tables with this release, unless that was done a moment ago.

        Raises:
            WarehouseError: they differ.
        """
        if time.monotonic() >= self._next_check:
            require_current(connection)
            self._next_check = time.monotonic() + _CHECK_SECONDS

    def _ship_segment(self, connection: Connection, segment: Finished) -> int:
        content = segment.content()
        for batch in _batches(content.records):
            self._insert(connection, batch)
        if content.unread and not content.is_truncated:
            segment.put_aside()
            log.error("%s: %s bytes are damaged; kept", segment.path.name, f"{content.unread:,}")
        else:
            segment.remove()
        return sum(map(predictions_in, content.records))

    def _insert(self, connection: Connection, records: Sequence[bytes]) -> None:
        """Insert in one statement; put a record aside that PostgreSQL cannot store."""
        try:
            _execute(connection, records)
        except psycopg.DataError as error:
            parts = _parts(records)
            if len(parts) == 1:
                self._put_aside(records[0], error)
                return
            for part in parts:
                self._insert(connection, part)

    def _put_aside(self, record: bytes, error: psycopg.Error) -> None:
        log.error("PostgreSQL refuses a prediction, which is kept aside: %s", message_of(error))
        with (self._spool.folder / "refused.damaged").open("ab") as file:
            file.write(record + b"\n")

    def _follow(self) -> None:
        """Ship until the service stops; wait longer while PostgreSQL is unavailable."""
        wait = _INTERVAL_SECONDS
        while not self._stop.wait(wait):
            try:
                wait = self._try_to_ship(wait)
            except Exception:
                log.exception("shipping predictions failed; trying again")

    def _try_to_ship(self, wait: float) -> float:
        try:
            self.ship()
        except (ChurnError, psycopg.Error, OSError) as error:
            self._note(message_of(error))
            self._keep()
            return min(2 * wait, _LONGEST_WAIT_SECONDS)
        self._note(None)
        self._spool.measure()
        return _INTERVAL_SECONDS

    def _keep(self) -> None:
        """Flush the spool to disk, as the predictions may wait there for long."""
        with suppress(OSError):
            self._spool.sync()
            self._spool.measure()

    def _note(self, trouble: str | None) -> None:
        if trouble and trouble != self.trouble:
            log.warning("predictions wait in the spool: %s", trouble)
        if self.trouble and not trouble:
            log.info("predictions are shipped again")
        self.trouble = trouble

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(_END_SECONDS)


def _batches(records: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """Yield records for one insert each: single predictions, or blocks."""
    for _, alike in groupby(records, is_block):
        batch: list[bytes] = []
        predictions = 0
        for record in alike:
            batch.append(record)
            predictions += predictions_in(record)
            if predictions >= _BATCH:
                yield batch
                batch, predictions = [], 0
        if batch:
            yield batch


def _parts(records: Sequence[bytes]) -> Sequence[Sequence[bytes]]:
    """Return two halves of the records, or of a single block."""
    half = len(records) // 2
    return (records[:half], records[half:]) if half else [(part,) for part in halves(records[0])]


def _execute(connection: Connection, records: Sequence[bytes]) -> None:
    """Insert and commit in one statement."""
    values = {_RECORDS: f"[{b','.join(records).decode()}]"}
    query = statement("insert_predictions", **placeholders(values))
    try:
        connection.execute(query, values)
        connection.commit()
    except psycopg.DataError:
        connection.rollback()
        raise
