"""One worker's part of the spool: its own segment, the limit, and what waits in the folder."""

import errno
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Self

from churn.core.errors import ChurnError
from churn.warehouse.predictions import spool
from churn.warehouse.predictions.records import predictions_in
from churn.warehouse.predictions.spool import Finished, Writer
from serving.api.spool_counter import Counter

_SEGMENT_BYTES: Final = 4_000_000


class NotRecordedError(ChurnError):
    """A record could not be kept, so nobody may be told what it says."""


class WorkerSpool:
    """A folder that several workers write to and ship from.

    What was added survives the process being killed at any moment.
    """

    def __init__(self, folder: Path, *, limit: int) -> None:
        with _unless_full():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        spool.clear_leftovers(folder)
        self.folder = folder
        self.limit = limit
        self.dropped = 0
        """How many predictions this worker could not keep."""
        self._lock = threading.Lock()
        self._counting = threading.Lock()
        self._counter = Counter(folder)
        self._writer: Writer | None = None
        """The segment that is appended to; made when there is something to add to it."""
        self.used = spool.used(folder)
        with _unless_full():
            Writer(folder).close()  # whatever else would keep it from writing is found out here

    def add(self, *records: bytes) -> None:
        """Keep records; when this returns they are safe.

        Raises:
            NotRecordedError: they could not be kept, none of them.
        """
        content = b"".join([spool.framed(record) for record in records])
        predictions = sum(map(predictions_in, records))
        try:
            with self._lock:
                self._require_room(len(content))
                self._writer = self._writer or self._new_writer()
                self._writer.append(content, predictions)
                self.used += len(content)
                is_large = self._writer.size > _SEGMENT_BYTES
        except (NotRecordedError, OSError) as error:
            self.dropped += predictions
            raise NotRecordedError(f"the prediction cannot be recorded: {error}") from None
        if is_large:
            self._finish_large()

    def _new_writer(self) -> Writer:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Writer(self.folder)

    def _require_room(self, size: int) -> None:
        if self.used + size > self.limit:
            told = f"{self.limit:,} bytes of predictions wait for PostgreSQL already"
            raise NotRecordedError(told)

    def measure(self) -> None:
        """Look at what the folder holds, the other workers' segments included."""
        with self._lock:
            self.used = spool.used(self.folder)

    def erasures(self) -> int:
        """Return a number that is another one after a customer was erased."""
        try:
            return (self.folder / spool.ERASURES).stat().st_mtime_ns
        except OSError:
            return 0

    def finish(self) -> None:
        """Leave what was added so far to whoever ships it."""
        with self._lock:
            former, self._writer = self._writer, None
        if former:
            former.close()

    def _finish_large(self) -> None:
        """A segment is read at once, so it may not grow for ever; what was added is safe."""
        with suppress(OSError):
            self.finish()

    def sync(self) -> None:
        """Ask the disk to have what waits."""
        if writer := self._writer:
            writer.sync()

    def finished(self) -> Iterator[Finished]:
        """Hold each finished segment in turn, the oldest first."""
        for path in spool.segments(self.folder):
            with spool.held(path) as segment:
                if segment:
                    yield segment

    def waiting(self) -> int:
        """Return how many predictions nobody has brought on yet."""
        with self._counting:  # a lock of its own: who asks holds up nobody who is answered
            return self._counter.count(self._writer)

    def close(self) -> None:
        """Leave everything to whoever comes next."""
        self.finish()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextmanager
def _unless_full() -> Iterator[None]:
    """Go on where the disk is full: the service starts, and records again once there is room."""
    try:
        yield
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
