"""JSON over HTTP on this machine, past any proxy."""

import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from local.network import HOST

CALL_SECONDS = 10.0


@dataclass(frozen=True)
class Document:
    """A piece of JSON and the way to its parts; what is missing reads as empty."""

    value: object

    def part(self, *path: str) -> "Document":
        """Return what lies under a path of keys."""
        value = self.value
        for key in path:
            value = cast("dict[str, object]", value).get(key) if isinstance(value, dict) else None
        return Document(value)

    def text(self, *path: str) -> str:
        """Return a part as text, empty when it is missing."""
        value = self.part(*path).value
        return "" if value is None else str(value)

    def number(self, *path: str) -> float:
        """Return a part as a number, not-a-number when it is none."""
        value = self.part(*path).value
        return float(value) if isinstance(value, int | float) else float("nan")

    def parts(self, *path: str) -> Iterator["Document"]:
        """Yield the elements of a list."""
        value = self.part(*path).value
        yield from (
            (Document(one) for one in cast("list[object]", value))
            if isinstance(value, list)
            else ()
        )


@dataclass(frozen=True)
class Answer:
    """The response of a server; status 0 when none came."""

    status: int
    body: Document

    @property
    def ok(self) -> bool:
        """Tell whether the request was fulfilled."""
        return 200 <= self.status < 300  # noqa: PLR2004


def call(
    port: int,
    path: str,
    *,
    body: object = None,
    token: str | None = None,
    method: str | None = None,
) -> Answer:
    """Send one request to this machine and return the answer."""
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    data = None if body is None else json.dumps(body)
    connection = http.client.HTTPConnection(HOST, port, timeout=CALL_SECONDS)
    try:
        connection.request(
            method or ("GET" if body is None else "POST"), path, body=data, headers=headers
        )
        response = connection.getresponse()
        return Answer(response.status, _parse(response.read()))
    except (OSError, http.client.HTTPException) as error:
        return Answer(0, Document({"detail": str(error)}))
    finally:
        connection.close()


def _parse(data: bytes) -> Document:
    try:
        return Document(json.loads(data))
    except ValueError:
        return Document({"detail": data.decode(errors="replace")[:500]})
