"""Batches: rows in and answers out, both in a stream, in memory that does not grow with them."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import IO, Final

from fastapi import APIRouter, Request, Response
from starlette.types import Message, Receive, Scope, Send

from churn.errors import InvalidCustomerError
from churn.log_options import WhenFull
from churn.scoring import LoadedModel
from serving.api.batch_answers import WRITERS, answer_rows, records
from serving.api.batch_formats import ALIASES, READERS, Format
from serving.api.batch_rows import Rows, Unreadable
from serving.api.document import batch_operation
from serving.api.problems import ProblemError
from serving.api.reading import key_in
from serving.api.routes import IdempotencyKey, TheService
from serving.api.service import Service
from serving.api.spool import NotRecordedError

_BLOCK_BYTES: Final = 1 << 20
_CACHED_BYTES: Final = 1 << 17
"""Rows of so many bytes are worked on at once: their cells fit into a processor's cache."""
_INLINE_BYTES: Final = 1 << 14
_MOST_HELD: Final = 4 << 20
_PAUSE_SECONDS: Final = 0.05

router = APIRouter()


@router.post("/predict/batch", response_model=None, **batch_operation())
async def predict_batch(
    request: Request,
    service: TheService,
    idempotency_key: IdempotencyKey = None,  # noqa: ARG001 - describes what ``key_in`` reads
) -> Response:
    """Score many customers: a JSON array, NDJSON (an object per line) or CSV with a header.

    Rows are answered in their order, as they come, by one version of the model. A row that cannot
    be read is answered with its number and its error, and stops no other.
    """
    source = _source(request.headers.get("content-type", ""))
    target = _target(request.headers.get("accept", ""), source)
    return BatchResponse(Batch(service, service.live.model, source, target))


def _source(content_type: str) -> Format:
    kind = content_type.partition(";")[0].strip().lower()
    if kind not in ALIASES:
        detail = f"Content-Type {kind!r}: expected {', '.join(Format)}"
        raise ProblemError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail)
    return Format(ALIASES[kind])


def _target(accept: str, source: Format) -> Format:
    """Return the format that is accepted before all others; any will do: that of the rows."""
    weighed = [_weighed(part) for part in accept.lower().split(",") if part.strip()]
    for kind, weight in sorted(weighed, key=lambda one: -one[1]):
        if weight > 0 and kind in ALIASES:
            return Format(ALIASES[kind])
        if weight > 0 and kind in {"*/*", f"{source.value.partition('/')[0]}/*"}:
            return source
    if not weighed:
        return source
    raise ProblemError(HTTPStatus.NOT_ACCEPTABLE, f"Accept: expected {', '.join(Format)}")


def _weighed(part: str) -> tuple[str, float]:
    kind, *parameters = (one.strip() for one in part.split(";"))
    weights = [one.removeprefix("q=") for one in parameters if one.startswith("q=")]
    try:
        return kind, float(weights[0]) if weights else 1.0
    except ValueError:
        return kind, 0.0


@dataclass(frozen=True)
class Batch:
    """One batch: by which version it is answered, and in which formats."""

    service: Service
    model: LoadedModel
    source: Format
    target: Format


class BatchResponse(Response):
    """Reads the request while it answers it."""

    def __init__(self, batch: Batch) -> None:
        super().__init__(media_type=batch.target.value)
        self._batch = batch

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer every row; what the client does not take yet waits on the disk."""
        limits = self._batch.service.limits
        headers = [(b"content-type", self._batch.target.encode())]
        start: Message = {"type": "http.response.start", "status": 200, "headers": headers}
        folder = self._batch.service.workers.folder
        outlet = Outlet(start, send, folder=folder, seconds=limits.seconds)
        work = Work(self._batch, key_in(scope))
        try:
            async for piece, last in _pieces(receive, limits.seconds):
                large = len(piece) > _INLINE_BYTES
                done = (
                    await asyncio.to_thread(work.answer, piece, last=last)
                    if large
                    else work.answer(piece, last=last)
                )
                await outlet.put(done)
                if work.is_over:
                    break
            await outlet.finish()
        finally:
            outlet.close()


class Work:
    """Answers the pieces of a batch, one after the other."""

    def __init__(self, batch: Batch, key: bytes) -> None:
        self._batch = batch
        self._key = key
        self._reader = READERS[batch.source](batch.service.limits.body_bytes)
        self._writer = WRITERS[batch.target]()
        self._begun = False
        self._next = 1
        self.is_over = False

    def answer(self, piece: bytes, *, last: bool) -> bytes:
        """Return the answers to the rows that are complete with this piece; they are on record.

        Raises:
            ProblemError: the first ones cannot be recorded, or nothing can be read at all.
        """
        written = [b"" if self._begun else self._writer.start]
        try:
            for start in range(0, max(len(piece), 1), _CACHED_BYTES):
                part = piece[start : start + _CACHED_BYTES]
                is_end = last and start + _CACHED_BYTES >= len(piece)
                for rows in self._reader.feed(part, last=is_end):
                    written.append(self._write(rows))
                    self._begun = True
        except InvalidCustomerError as error:
            written.append(self._fail(error))
        except NotRecordedError as error:
            written.append(self._not_recorded(error))
        self._begun = True
        self.is_over = self.is_over or last
        return b"".join(written) + (self._writer.end if self.is_over else b"")

    def _write(self, rows: Rows) -> bytes:
        service = self._batch.service
        most = service.limits.batch_rows
        if self._next + len(rows) - 1 > most:
            raise Unreadable(f"a batch has at most {most:,} rows; from here on none is read")
        given = answer_rows(self._batch.model, rows, first=self._next, key=self._key)
        self._record(records(given, rows.block, features=service.log_options.features))
        service.metrics.read_rows(scored=given.scored, refused=len(given.errors))
        service.metrics.predicted(given.version, 1, given.leaving)
        service.metrics.predicted(given.version, 0, given.scored - given.leaving)
        self._next += len(rows)
        return self._writer.write(given)

    def _record(self, kept: list[bytes]) -> None:
        service = self._batch.service
        try:
            service.log.add(*kept)
        except NotRecordedError:
            if service.log_options.when_full is WhenFull.REFUSE:
                raise

    def _not_recorded(self, error: NotRecordedError) -> bytes:
        if not self._begun:
            status, headers = HTTPStatus.SERVICE_UNAVAILABLE, {"Retry-After": "5"}
            raise ProblemError(status, f"{error}; so it is not given", headers=headers)
        return self._fail(Unreadable(str(error)))

    def _fail(self, error: InvalidCustomerError) -> bytes:
        """Say why nothing more is read; before anything was answered that is the whole answer."""
        if not self._begun:
            raise error
        self.is_over = True
        return self._writer.fail(self._next, error)


async def _pieces(receive: Receive, seconds: float) -> AsyncIterator[tuple[bytes, bool]]:
    """Yield the body in large pieces, or what there is when it pauses; whether it is the last.

    Raises:
        TimeoutError: nothing came for too long.
    """
    held = bytearray()
    more = True
    coming = asyncio.ensure_future(receive())
    try:
        while more:
            limit = _PAUSE_SECONDS if held else seconds
            done, _ = await asyncio.wait({coming}, timeout=limit)
            if not done and not held:
                raise TimeoutError
            if done:
                message = coming.result()
                more = message.get("more_body", False)
                held += message.get("body", b"")
                if message["type"] == "http.disconnect":
                    return
                if more:
                    coming = asyncio.ensure_future(receive())
            if not done or not more or len(held) >= _BLOCK_BYTES:
                yield bytes(held), not more
                held.clear()
    finally:
        coming.cancel()


class Outlet:
    """Sends what is put in.

    A client that writes all before it reads must not stop the reading, so what it does not take
    waits, first in memory and then in a file without a name.
    """

    def __init__(self, start: Message, send: Send, *, folder: Path, seconds: float) -> None:
        self._start: Message | None = start
        self._send = send
        self._folder = folder
        self._seconds = seconds
        self._waiting: asyncio.Queue[bytes] = asyncio.Queue()
        self._held = 0
        self._file: IO[bytes] | None = None
        self._sender: asyncio.Task[None] | None = None

    async def put(self, content: bytes) -> None:
        """Take a part of the answer."""
        if not content:
            return
        if self._sender is None:
            self._sender = asyncio.create_task(self._drain())
        if self._sender.done():
            self._sender.result()
        if self._file is not None or self._held > _MOST_HELD:
            await asyncio.to_thread(self._put_aside, content)
            return
        self._held += len(content)
        self._waiting.put_nowait(content)
        await asyncio.sleep(0)

    async def finish(self) -> None:
        """Send all that waits, and the end."""
        self._waiting.put_nowait(b"")
        if self._sender is None:
            self._sender = asyncio.create_task(self._drain())
        await self._drained(self._sender)
        if self._file is not None:
            self._file.seek(0)
            while part := await asyncio.to_thread(self._file.read, _BLOCK_BYTES):
                async with asyncio.timeout(self._seconds):
                    await self._give(part)
        await self._send({"type": "http.response.body", "body": b""})

    def close(self) -> None:
        """Let go of everything."""
        if self._sender is not None:
            self._sender.cancel()
        if self._file is not None:
            self._file.close()

    async def _drained(self, sender: asyncio.Task[None]) -> None:
        """Wait for the sender, as long as the client takes something now and then.

        Raises:
            TimeoutError: it takes nothing.
        """
        while not sender.done():
            before = self._held
            await asyncio.wait({sender}, timeout=self._seconds)
            if not sender.done() and self._held == before:
                raise TimeoutError
        sender.result()

    async def _drain(self) -> None:
        while content := await self._waiting.get():
            await self._give(content)
            self._held -= len(content)

    async def _give(self, content: bytes) -> None:
        if self._start is not None:
            start, self._start = self._start, None
            await self._send(start)
        await self._send({"type": "http.response.body", "body": content, "more_body": True})

    def _put_aside(self, content: bytes) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115
        self._file.write(content)
