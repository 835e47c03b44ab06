"""The route for batches."""

import asyncio
from collections.abc import AsyncIterator

from fastapi import APIRouter, Request, Response
from starlette.types import Message, Receive, Scope, Send

from serving.api.batch.formats import Format, source_format, target_format
from serving.api.batch.request_stream import pieces
from serving.api.batch.response_stream import ResponseStream
from serving.api.batch.work import Batch, Work
from serving.api.document import PREDICTIONS, batch_operation
from serving.api.reading import key_in
from serving.api.request_info import info_of
from serving.api.routes import IdempotencyKey, TheService

_INLINE_BYTES = 1 << 14
"""A smaller piece is answered in the event loop, without a thread."""

router = APIRouter()


@router.post(
    "/predict/batch",
    tags=[PREDICTIONS],
    summary="Predict for many customers",
    response_model=None,
    **batch_operation(),
)
async def predict_batch(
    request: Request,
    service: TheService,
    idempotency_key: IdempotencyKey = None,  # noqa: ARG001 - describes what ``key_in`` reads
) -> Response:
    """Predict for a stream of customers: a JSON array, NDJSON or CSV with a header.

    Rows are answered in order, as they arrive, by one version of the model. For a row that cannot
    be read the response has its number and its error; the other rows are not affected.
    """
    source = source_format(request.headers.get("content-type", ""))
    target = target_format(request.headers.get("accept", ""), source)
    return BatchResponse(Batch(service, service.live.model, source, target))


class BatchResponse(Response):
    """Reads the request while it sends the response."""

    def __init__(self, batch: Batch) -> None:
        super().__init__(media_type=batch.target.value)
        self._batch = batch

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer every row; what the client has not received yet waits in memory or on disk."""
        service = self._batch.service
        seconds = service.limits.seconds
        start = _start(self._batch.target)
        response = ResponseStream(start, send, folder=service.log.folder, seconds=seconds)
        work = Work(self._batch, key_in(scope), info_of(scope).caller)
        try:
            await _answer_all(work, response, pieces(receive, seconds))
            await response.finish()
        finally:
            response.close()


async def _answer_all(
    work: Work, response: ResponseStream, incoming: AsyncIterator[tuple[bytes, bool]]
) -> None:
    try:
        async for piece, last in incoming:
            await response.put(await _answered(work, piece, last=last))
            if work.is_over:
                break
    except TimeoutError:
        if not work.has_begun:
            raise
        await response.put(work.give_up("the rest of the batch did not arrive in time"))


def _start(target: Format) -> Message:
    headers = [(b"content-type", target.encode())]
    return {"type": "http.response.start", "status": 200, "headers": headers}


async def _answered(work: Work, piece: bytes, *, last: bool) -> bytes:
    if len(piece) <= _INLINE_BYTES:
        return work.answer(piece, last=last)
    return await asyncio.to_thread(work.answer, piece, last=last)
