"""Reads a prediction request: its body, its key, and what it asks for."""

import json
import re
from functools import lru_cache
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope

from churn.core.errors import InvalidCustomerError, Problem
from churn.model.phrases import Language
from serving.api.answers import Asked
from serving.api.languages import preferred
from serving.api.problems import ProblemError
from serving.api.schemas import Explain

IDEMPOTENCY_KEY: Final = b"idempotency-key"
_LONGEST_KEY: Final = 255
_MOST_DIGITS: Final = 400
_JSON_TYPE: Final = re.compile(rb"application/(?:[\w.-]+\+)?json")
_FLAGS: Final = {
    **dict.fromkeys(("true", "1", "yes", "on"), True),
    **dict.fromkeys(("false", "0", "no", "off"), False),
}

_decode = msgspec.json.Decoder().decode


def key_in(scope: Scope) -> bytes:
    """Return the request's idempotency key, one caller's being no other's; empty if there is none.

    Raises:
        InvalidCustomerError: it is too long.
    """
    key: bytes = scope["churn.headers"].get(IDEMPOTENCY_KEY, b"")
    if len(key) > _LONGEST_KEY:
        told = f"at most {_LONGEST_KEY} characters"
        raise InvalidCustomerError((Problem("idempotency-key", key.decode("latin-1"), told),))
    return b"%s\n%s" % (scope["churn.caller"].encode(), key) if key else b""


def asked_in(scope: Scope) -> Asked:
    """Return what a request's query and headers ask for.

    Raises:
        InvalidCustomerError: naming the parameter and what it may be.
    """
    language = preferred(scope["churn.headers"].get(b"accept-language", b""))
    return asked(scope["query_string"], language)


async def read_body(receive: Receive, *, most: int) -> bytes:
    """Return a request's body, of at most so many bytes.

    Raises:
        ClientDisconnect: the client has gone before the body was complete.
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
        ProblemError: it is none, or has a field twice.
    """
    try:
        content = _decode(body)
    except (ValueError, RecursionError):
        return _read_carefully(body)
    # Each name has a colon after it, so that as many colons as names leave none for a second one.
    if type(content) is dict and body.count(b":") == len(content):
        return content
    return _read_carefully(body)


def _read_carefully(body: bytes) -> dict[str, object]:
    try:
        content = json.loads(body, object_pairs_hook=_each_once, parse_int=_whole)
    except (ValueError, RecursionError) as error:
        detail = f"the body is not JSON: {error}"
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, detail) from None
    if not isinstance(content, dict):
        detail = 'the body is not a JSON object such as {"tenure": 5, "contract": "One year"}'
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, detail)
    return content


def _whole(text: str) -> int | str:
    """Return a whole number; Python reads none of thousands of digits, and no field has one."""
    return int(text) if len(text) <= _MOST_DIGITS else text


def _each_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    content = dict(pairs)
    if len(content) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(n for n in names if names.count(n) > 1)!r} is there twice")
    return content


def require_json(scope: Scope) -> None:
    """Refuse a body of another type: a page of another origin can send those without asking.

    Raises:
        ProblemError: the type is not JSON.
    """
    content_type: bytes = scope["churn.headers"].get(b"content-type", b"")
    if not is_json(content_type):
        given = content_type.decode("latin-1")
        detail = f"Content-Type {given!r}: expected application/json"
        raise ProblemError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail)


@lru_cache(maxsize=64)
def is_json(content_type: bytes) -> bool:
    """Whether a content type is JSON, parameters such as a charset left aside."""
    kind = content_type.partition(b";")[0].strip().lower()
    return _JSON_TYPE.fullmatch(kind) is not None


@lru_cache(maxsize=256)
def asked(query: bytes, language: Language = Language.ENGLISH) -> Asked:
    """Return what a query string asks for.

    Raises:
        InvalidCustomerError: naming the parameter and what it may be.
    """
    given = dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True))
    explain, protected = given.get("explain", Explain.SHORT), given.get("protected", "false")
    if explain not in [*Explain]:
        raise InvalidCustomerError((Problem("explain", explain, "'none', 'short' or 'full'"),))
    if protected.lower() not in _FLAGS:
        raise InvalidCustomerError((Problem("protected", protected, "a boolean: true or false"),))
    return Asked(Explain(explain), _FLAGS[protected.lower()], language)
