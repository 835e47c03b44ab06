"""One worker's use of the spool: its own segment, the size limit, and the queue."""

import errno
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Self

from churn.core.errors import ChurnError
from churn.warehouse.predictions import spool
from churn.warehouse.predictions.log_records import predictions_in
from churn.warehouse.predictions.spool import Finished, Writer
from serving.api.spool_counter import Counter

_SEGMENT_BYTES: Final = 4_000_000


class NotRecordedError(ChurnError):
    """A record could not be written, so its prediction must not be answered."""


class WorkerSpool:
    """A folder that several workers write to and ship from.

    Added records survive the process being killed at any moment.
    """

    def __init__(self, folder: Path, *, limit: int) -> None:
        with _unless_full():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        spool.remove_unfinished(folder)
        self.folder = folder
        self.limit = limit
        self.dropped = 0
        """How many predictions this worker could not record."""
        self._lock = threading.Lock()
        self._counting = threading.Lock()
        self._counter = Counter(folder)
        self._writer: Writer | None = None
        """The current segment; created with its first record."""
        self.used = spool.used(folder)
        with _unless_full():
            Writer(folder).close()  # any other reason why it cannot write is raised here

    def add(self, *records: bytes) -> None:
        """Write records; when this returns they survive the end of the process.

        Raises:
            NotRecordedError: none of them could be written.
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
            detail = f"{self.limit:,} bytes of predictions wait for PostgreSQL already"
            raise NotRecordedError(detail)

    def measure(self) -> None:
        """Read the size of the folder, the other workers' segments included."""
        with self._lock:
            self.used = spool.used(self.folder)

    def erasures(self) -> int:
        """Return a number that changes when a customer is erased."""
        try:
            return (self.folder / spool.ERASURES).stat().st_mtime_ns
        except OSError:
            return 0

    def finish(self) -> None:
        """Finish the current segment, so that any worker can ship it."""
        with self._lock:
            former, self._writer = self._writer, None
        if former:
            former.close()

    def _finish_large(self) -> None:
        """Finish a segment that is large enough, as it is read in one piece."""
        with suppress(OSError):
            self.finish()

    def sync(self) -> None:
        """Flush the current segment to disk."""
        if writer := self._writer:
            writer.sync()

    def finished(self) -> Iterator[Finished]:
        """Hold each finished segment in turn, the oldest first."""
        for path in spool.segments(self.folder):
            with spool.held(path) as segment:
                if segment:
                    yield segment

    def waiting(self) -> int:
        """Return how many predictions wait to be shipped."""
        with self._counting:  # its own lock: counting does not block adding
            return self._counter.count(self._writer)

    def age(self) -> float:
        """Return the age of the oldest segment of any worker, in seconds; 0 where there is none."""
        return spool.age(self.folder)

    def close(self) -> None:
        """Finish the current segment."""
        self.finish()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextmanager
def _unless_full() -> Iterator[None]:
    """Ignore a full disk: the service starts, and records again once there is space."""
    try:
        yield
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
