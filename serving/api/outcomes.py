"""Records outcomes: statements about what became of predictions and customers."""

import asyncio
import json
import logging
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

import psycopg
from fastapi import APIRouter, Request, Response

from churn.core.errors import WarehouseError
from churn.core.settings import Settings
from churn.pipeline.outcomes.readers import ArrayReader, CsvReader, NdjsonReader, Row, parse_object
from churn.warehouse.connect import connect, message_of
from churn.warehouse.outcomes.outcome import Outcome
from churn.warehouse.outcomes.record import Counts, Source, record_outcomes
from serving.api.batch.formats import Format, source_format
from serving.api.document import OUTCOMES
from serving.api.limits import Limits
from serving.api.outcome_schema import outcomes_operation
from serving.api.problems import ProblemError, described_all
from serving.api.routes import TheService

MOST_BYTES: Final = 1 << 24
"""Of a body; a longer one is split, or loaded with ``churn outcomes load``."""
_STATEMENT_TIMEOUT: Final = "SET LOCAL statement_timeout = '20s'"
_MISSING: Final = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.UndefinedFunction,
    psycopg.errors.UndefinedTable,
    psycopg.errors.InsufficientPrivilege,
    WarehouseError,
)
"""PostgreSQL is away, or not yet of this release."""

log = logging.getLogger(__name__)
router = APIRouter()


@router.post(
    "/outcomes",
    tags=[OUTCOMES],
    summary="Record what became of predictions and customers",
    response_model=None,
    **outcomes_operation(),
)
async def post_outcomes(request: Request, service: TheService) -> Response:
    """Record one outcome, or many as a JSON array, NDJSON or CSV with a header.

    All are recorded when the answer arrives, or none. An outcome that was recorded before counts
    as known, so that a request can be sent again. Of many, one that cannot be read is rejected
    and does not affect the others; one alone is answered with its problem.
    """
    source = source_format(request.headers.get("content-type", ""))
    bodies, content = service.bodies, bytearray()
    try:
        async for piece in request.stream():
            bodies.hold(len(piece))
            content += piece
            _require_size(content)
        async with bodies.recording:
            settings: Settings = request.app.state.settings
            answer = await asyncio.to_thread(
                _record, settings.database_url, bytes(content), source, service.limits
            )
        return Response(answer, media_type="application/json")
    finally:
        bodies.held -= len(content)


def _require_size(content: bytearray) -> None:
    if len(content) > MOST_BYTES:
        detail = f"outcomes take at most {MOST_BYTES:,} bytes; split them, or load a file of them"
        raise ProblemError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"{detail} (churn outcomes load)")


def _record(database_url: str, content: bytes, source: Format, limits: Limits) -> str:
    """Return the answer, in ASCII, as a rejected value may be no text that UTF-8 has."""
    outcomes: list[Outcome] = []
    rejected: list[dict[str, object]] = []
    for number, row in enumerate(_rows(content, source, limits), start=1):
        if number > limits.outcome_rows:
            detail = f"a request has at most {limits.outcome_rows:,} outcomes; split them"
            raise ProblemError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)
        if isinstance(row.found, Outcome):
            outcomes.append(row.found)
        else:
            rejected.append({"row": number, "problems": described_all(row.found)})
    return json.dumps({**vars(_written(database_url, outcomes)), "rejected": rejected})


def _written(database_url: str, outcomes: Sequence[Outcome]) -> Counts:
    try:
        with connect(database_url) as connection:
            connection.execute(_STATEMENT_TIMEOUT)
            return record_outcomes(connection, outcomes, Source.API)
    except _MISSING as error:
        log.warning("outcomes cannot be recorded: %s", message_of(error))
        detail = "the database does not answer, and nothing was recorded; send the request again"
        status, headers = HTTPStatus.SERVICE_UNAVAILABLE, {"Retry-After": "5"}
        raise ProblemError(status, detail, headers=headers) from None


def _rows(content: bytes, source: Format, limits: Limits) -> Iterator[Row]:
    """Yield the rows of a body.

    Raises:
        InvalidInputError: it cannot be read, or is one outcome with problems.
    """
    now, most = datetime.now(UTC), limits.body_bytes
    if source is Format.NDJSON:
        return NdjsonReader(most, now).feed(content, last=True)
    if source is Format.CSV:
        return CsvReader(most, now).feed(content, last=True)
    if content.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"[":
        return ArrayReader(most, now).feed(content, last=True)
    if len(content) > most:
        detail = f"an outcome takes at most {most:,} bytes"
        raise ProblemError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)
    return iter([Row(1, parse_object(content.removeprefix(b"\xef\xbb\xbf"), now))])
