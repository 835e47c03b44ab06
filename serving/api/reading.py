"""Reads a prediction request: its body, idempotency key and options."""

import re
from functools import lru_cache
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope

from churn.core import json_input
from churn.core.errors import InvalidCustomerError, Problem
from churn.model.phrases import Language
from serving.api.answers import AnswerOptions
from serving.api.languages import preferred
from serving.api.problems import ProblemError
from serving.api.request_info import info_of
from serving.api.schemas import Explain

IDEMPOTENCY_KEY: Final = b"idempotency-key"
LONGEST_KEY: Final = 255
"""Characters of an idempotency key."""
_JSON_TYPE: Final = re.compile(rb"application/(?:[\w.-]+\+)?json")
_FLAGS: Final = {
    **dict.fromkeys(("true", "1", "yes", "on"), True),
    **dict.fromkeys(("false", "0", "no", "off"), False),
}

_decode = msgspec.json.Decoder().decode


def key_in(scope: Scope) -> bytes:
    """Return the request's idempotency key, with the caller's name; empty if there is none.

    Raises:
        InvalidCustomerError: it is too long.
    """
    info = info_of(scope)
    key = info.headers.get(IDEMPOTENCY_KEY, b"")
    if len(key) > LONGEST_KEY:
        expected = f"at most {LONGEST_KEY} characters"
        raise InvalidCustomerError((Problem("idempotency-key", key.decode("latin-1"), expected),))
    return b"%s\n%s" % (info.caller.encode(), key) if key else b""


def options_in(scope: Scope) -> AnswerOptions:
    """Return the options in a request's query and headers.

    Raises:
        InvalidCustomerError: naming the parameter and its allowed values.
    """
    language = preferred(info_of(scope).headers.get(b"accept-language", b""))
    return parse_options(scope["query_string"], language)


async def read_body(receive: Receive, *, most: int) -> bytes:
    """Return a request's body of at most ``most`` bytes.

    Raises:
        ClientDisconnect: the client disconnected before the body was complete.
        ProblemError: it is too large.
    """
    body, is_complete = b"", False
    while not is_complete and len(body) <= most:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        is_complete = not message.get("more_body", False)
    if len(body) > most:
        detail = f"a customer takes at most {most:,} bytes"
        raise ProblemError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)
    return body


def read_object(body: bytes) -> dict[str, object]:
    """Return the fields of a JSON object.

    Raises:
        ProblemError: the body is not an object, or a field occurs twice.
    """
    try:
        content = _decode(body)
    except (ValueError, RecursionError):
        return _read_slowly(body)
    # Each name is followed by a colon: as many colons as names means that no name occurs twice.
    if type(content) is dict and body.count(b":") == len(content):
        return content
    return _read_slowly(body)


def _read_slowly(body: bytes) -> dict[str, object]:
    try:
        content = json_input.load(body)
    except (ValueError, RecursionError) as error:
        detail = f"the body is not JSON: {error}"
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, detail) from None
    if not isinstance(content, dict):
        detail = 'the body is not a JSON object such as {"tenure": 5, "contract": "One year"}'
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, detail)
    return content


def require_json(scope: Scope) -> None:
    """Refuse other media types: browsers send some of them across origins without a preflight.

    Raises:
        ProblemError: the media type is not JSON.
    """
    content_type = info_of(scope).headers.get(b"content-type", b"")
    if not is_json(content_type):
        given = content_type.decode("latin-1")
        detail = f"Content-Type {given!r}: expected application/json"
        raise ProblemError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail)


@lru_cache(maxsize=64)
def is_json(content_type: bytes) -> bool:
    """Whether a content type is JSON, whatever its parameters."""
    kind = content_type.partition(b";")[0].strip().lower()
    return _JSON_TYPE.fullmatch(kind) is not None


@lru_cache(maxsize=256)
def parse_options(query: bytes, language: Language = Language.ENGLISH) -> AnswerOptions:
    """Return the options in a query string.

    Raises:
        InvalidCustomerError: naming the parameter and its allowed values.
    """
    given = dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True))
    explain, protected = given.get("explain", Explain.SHORT), given.get("protected", "false")
    if explain not in [*Explain]:
        raise InvalidCustomerError((Problem("explain", explain, "'none', 'short' or 'full'"),))
    if protected.lower() not in _FLAGS:
        raise InvalidCustomerError((Problem("protected", protected, "a boolean: true or false"),))
    return AnswerOptions(Explain(explain), _FLAGS[protected.lower()], language)
