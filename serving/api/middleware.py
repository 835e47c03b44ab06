"""ASGI middleware: request id, authentication, limits, headers, error responses, metrics."""

import asyncio
import itertools
import logging
import re
import secrets
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.api.logs import request_id
from serving.api.problems import ProblemError, problem_response
from serving.api.request_info import RequestInfo, attach
from serving.api.service import Service

UNBOUNDED: Final = frozenset({"/livez", "/readyz", "/metrics"})
"""Always answered: they show how busy the service is."""

BATCH: Final = "/predict/batch"
_SLOW_SECONDS: Final = 1.0
_ID: Final = re.compile(rb"[0-9A-Za-z._-]{1,128}")
_STATIC: Final = ("/docs", "/redoc", "/static-offline-docs")
_SECURITY_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
)
_API_HEADERS: Final = (
    *_SECURITY_HEADERS,
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
_PAGE_HEADERS: Final = (
    *_SECURITY_HEADERS,
    (
        b"content-security-policy",
        b"default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
        b"img-src 'self' data:; worker-src blob:; frame-ancestors 'none'",
    ),
)

log = logging.getLogger("serving.api.requests")


class Middleware:
    """Wraps the application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._running = 0
        self._batches = 0
        self._prefix = secrets.token_hex(6).encode()
        self._numbers = itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        service: Service = scope["app"].state.service
        headers = dict(scope["headers"])
        exchange = Exchange(scope, send, self._id(headers))
        token = request_id.set(exchange.id.decode())
        try:
            await self._answer(service, exchange, headers, receive)
        finally:
            exchange.count(service)
            request_id.reset(token)

    async def _answer(
        self,
        service: Service,
        exchange: "Exchange",
        headers: Mapping[bytes, bytes],
        receive: Receive,
    ) -> None:
        try:
            exchange.caller = service.authentication.admit(exchange.scope, headers)
            attach(exchange.scope, RequestInfo(headers, exchange.caller or ""))
            await self._bounded(service, exchange, receive)
        except ProblemError as problem:
            await exchange.refuse(problem)
        except TimeoutError:
            detail = f"the request was not complete within {service.limits.seconds} seconds"
            await exchange.refuse(ProblemError(HTTPStatus.REQUEST_TIMEOUT, detail))
        except Exception:
            log.exception("a request failed")
            detail = "the request failed; the log contains the reason under the request's id"
            await exchange.refuse(ProblemError(HTTPStatus.INTERNAL_SERVER_ERROR, detail))

    async def _bounded(self, service: Service, exchange: "Exchange", receive: Receive) -> None:
        path, limits = exchange.scope["path"], service.limits
        if path in UNBOUNDED:
            await self._app(exchange.scope, receive, exchange.send)
            return
        if self._running >= limits.requests:
            raise _busy(HTTPStatus.SERVICE_UNAVAILABLE, limits.requests, "requests")
        if path == BATCH and self._batches >= limits.batches:
            raise _busy(HTTPStatus.TOO_MANY_REQUESTS, limits.batches, "batches")
        self._running += 1
        self._batches += path == BATCH
        try:
            # A batch may take long; waiting for its stream has a limit of its own.
            async with asyncio.timeout(None if path == BATCH else limits.seconds):
                await self._app(exchange.scope, receive, exchange.send)
        finally:
            self._running -= 1
            self._batches -= path == BATCH

    def _id(self, headers: Mapping[bytes, bytes]) -> bytes:
        given = headers.get(b"x-request-id")
        if given is not None and _ID.fullmatch(given):
            return given
        return b"%s-%x" % (self._prefix, next(self._numbers))


class Exchange:
    """One request and its response."""

    def __init__(self, scope: Scope, send: Send, id_: bytes) -> None:
        self.scope = scope
        self.id = id_
        self.caller: str | None = None
        self._send = send
        self._status = 0
        self._started = time.perf_counter()

    async def send(self, message: Message) -> None:
        """Send a message of the response, and add our headers to the first one."""
        if message["type"] == "http.response.start":
            self._status = message["status"]
            page = self.scope["path"].startswith(_STATIC)
            ours = _PAGE_HEADERS if page else _API_HEADERS
            message["headers"] = [*message["headers"], (b"x-request-id", self.id), *ours]
        await self._send(message)

    async def refuse(self, problem: ProblemError) -> None:
        """Send a problem as the response.

        Raises:
            ProblemError: the response has begun already, and can only be aborted.
        """
        if self._status:
            raise problem
        await problem_response(problem)(self.scope, _disconnected, self.send)

    def count(self, service: Service) -> None:
        """Count the request, and log it if it is worth a line."""
        seconds = time.perf_counter() - self._started
        route = getattr(self.scope.get("route"), "path_format", "other")
        service.metrics.observe(route, self._status, seconds)
        if self._status >= HTTPStatus.BAD_REQUEST or seconds > _SLOW_SECONDS:
            self._log(route, seconds)

    def _log(self, route: str, seconds: float) -> None:
        level = logging.ERROR if self._status >= HTTPStatus.INTERNAL_SERVER_ERROR else logging.INFO
        extra = {
            "method": self.scope["method"],
            "path": self._path(),
            "route": route,
            "status": self._status,
            "seconds": round(seconds, 6),
            "caller": self.caller,
        }
        phrase = HTTPStatus(self._status).phrase if self._status else "broken off"
        log.log(level, phrase, extra=extra)

    def _path(self) -> str | None:
        """Return the path of a fixed route; any other may contain a customer's id."""
        path: str = self.scope["path"]
        ours = {getattr(route, "path", None) for route in self.scope["app"].routes}
        return path if path in ours else None


async def _disconnected() -> Message:
    return {"type": "http.disconnect"}


def _busy(status: HTTPStatus, most: int, what: str) -> ProblemError:
    detail = f"this worker answers {most} {what} at once already; try again in a moment"
    return ProblemError(status, detail, headers={"Retry-After": "1"})
