"""Errors as RFC 9457 problem JSON."""

import json
import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from churn.core.errors import (
    InvalidCustomerError,
    InvalidInputError,
    NoModelError,
    Problem,
    shown,
)

MEDIA_TYPE = "application/problem+json"
_MOST_ERRORS = 20

log = logging.getLogger(__name__)


class ProblemError(Exception):
    """An error response."""

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        *,
        errors: Sequence[Mapping[str, object]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = errors
        self.headers = headers


def problem_response(problem: ProblemError) -> Response:
    """Return the response for a problem, in ASCII."""
    body: dict[str, object] = {
        "type": f"urn:churn:problem:{problem.status.name.lower().replace('_', '-')}",
        "title": problem.status.phrase,
        "status": problem.status.value,
        "detail": problem.detail,
    }
    if problem.errors:
        body["errors"] = problem.errors
    content = json.dumps(body, default=str, allow_nan=False)
    headers = dict(problem.headers or {})
    return Response(content, problem.status, headers=headers, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Answer every error of the application with a problem."""
    app.add_exception_handler(ProblemError, _on_problem)
    app.add_exception_handler(InvalidInputError, _on_invalid_input)
    app.add_exception_handler(RequestValidationError, _on_invalid_query)
    app.add_exception_handler(NoModelError, _on_no_model)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Exception, _on_bug)


async def _on_problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)  # noqa: S101 - registered for this type alone
    return problem_response(error)


async def _on_invalid_input(_: Request, error: Exception) -> Response:
    assert isinstance(error, InvalidInputError)  # noqa: S101
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    return problem_response(ProblemError(status, str(error), errors=described_all(error)))


async def _on_invalid_query(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    found = [
        Problem(str(one["loc"][-1]), one["input"], one.get("ctx", {}).get("expected", one["msg"]))
        for one in error.errors()
    ]
    return await _on_invalid_input(request, InvalidCustomerError(tuple(found)))


async def _on_no_model(_: Request, error: Exception) -> Response:
    headers = {"Retry-After": "5"}
    return problem_response(
        ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, str(error), headers=headers)
    )


async def _on_http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    status = HTTPStatus(error.status_code)
    return problem_response(ProblemError(status, str(error.detail), headers=error.headers))


async def _on_bug(_: Request, error: Exception) -> Response:
    log.error("a request failed", exc_info=error)
    detail = "the request failed; the log contains the reason"
    return problem_response(ProblemError(HTTPStatus.INTERNAL_SERVER_ERROR, detail))


def described_all(error: InvalidInputError) -> Sequence[Mapping[str, object]]:
    """Return what is wrong with the fields, as JSON values; of many problems the first."""
    return [described(problem) for problem in error.problems[:_MOST_ERRORS]]


def described(problem: Problem) -> dict[str, object]:
    """Return what is wrong with a field, as JSON values."""
    value = problem.value
    is_plain = isinstance(value, str | bool | int) or value is None
    described: dict[str, object] = {
        "field": problem.field,
        "value": value if is_plain else shown(value),
        "expected": problem.expected,
    }
    return {**described, "nearest": problem.nearest} if problem.nearest else described
