"""Answers the pieces of a batch, one after the other."""

from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus

from churn.core.errors import InvalidCustomerError
from churn.core.log_options import WhenFull
from churn.pipeline.batch.rows import CACHED_BYTES, Rows, Unreadable
from churn.pipeline.batch.scored_rows import ScoredRows, score_rows
from churn.registry.loaded_model import LoadedModel
from serving.api.batch.block_record import record_of
from serving.api.batch.formats import Format
from serving.api.batch.ids import prediction_ids
from serving.api.batch.readers import READERS
from serving.api.batch.writers import WRITERS
from serving.api.problems import ProblemError
from serving.api.service import Service
from serving.api.worker_spool import NotRecordedError


@dataclass(frozen=True)
class Batch:
    """One batch: the version that answers it, and its formats."""

    service: Service
    model: LoadedModel
    source: Format
    target: Format


class Work:
    """One batch's progress; ``key`` is its idempotency key."""

    def __init__(self, batch: Batch, key: bytes, caller: str = "") -> None:
        self._batch = batch
        self._key = key
        self._caller = caller
        self._reader = READERS[batch.source](batch.service.limits.body_bytes)
        self._writer = WRITERS[batch.target]()
        self.has_begun = False
        self._next = 1
        self.is_over = False

    def answer(self, piece: bytes, *, last: bool) -> bytes:
        """Return the answers to the rows that this piece completes; they have been recorded.

        Raises:
            InvalidCustomerError: no row can be read.
            ProblemError: the first rows cannot be recorded.
        """
        written = [b"" if self.has_begun else self._writer.start]
        try:
            for rows in self._rows(piece, last=last):
                written.append(self._write(rows))
                self.has_begun = True
        except InvalidCustomerError as error:
            written.append(self._fail(error))
        except NotRecordedError as error:
            written.append(self._not_recorded(error))
        self.has_begun = True
        self.is_over = self.is_over or last
        return b"".join(written) + (self._writer.end if self.is_over else b"")

    def _rows(self, piece: bytes, *, last: bool) -> Iterator[Rows]:
        for start in range(0, max(len(piece), 1), CACHED_BYTES):
            end = start + CACHED_BYTES
            yield from self._reader.feed(piece[start:end], last=last and end >= len(piece))

    def _write(self, rows: Rows) -> bytes:
        most = self._batch.service.limits.batch_rows
        if self._next + len(rows) - 1 > most:
            raise Unreadable(f"a batch has at most {most:,} rows; from here on none is read")
        model = self._batch.model
        ids = prediction_ids(rows, model.version, self._next, self._key, self._caller)
        given = score_rows(model, rows, first=self._next, prediction_ids=ids)
        answered = given.without_errors()
        self._record(answered)
        self._count(answered, refused=len(given) - len(answered))
        self._next += len(rows)
        return self._writer.write(given)

    def _record(self, given: ScoredRows) -> None:
        if not len(given):
            return
        service = self._batch.service
        record = record_of(given, features=service.log_options.features)
        try:
            service.log.add(record)
        except NotRecordedError:
            if service.log_options.when_full is WhenFull.REFUSE:
                raise

    def _count(self, given: ScoredRows, *, refused: int) -> None:
        metrics = self._batch.service.metrics
        metrics.read_rows(scored=len(given), refused=refused)
        metrics.predicted(given.version, 1, given.churning)
        metrics.predicted(given.version, 0, len(given) - given.churning)

    def _not_recorded(self, error: NotRecordedError) -> bytes:
        if not self.has_begun:
            status, headers = HTTPStatus.SERVICE_UNAVAILABLE, {"Retry-After": "5"}
            raise ProblemError(status, f"{error}; so it is not given", headers=headers)
        return self._fail(Unreadable(str(error)))

    def give_up(self, reason: str) -> bytes:
        """Return the last row of a batch that is aborted after its first answers."""
        return self._fail(Unreadable(reason)) + self._writer.end

    def _fail(self, error: InvalidCustomerError) -> bytes:
        """Return the reason why no more rows are read; raise it if no row was answered yet."""
        if not self.has_begun:
            raise error
        self.is_over = True
        return self._writer.fail(self._next, error)
