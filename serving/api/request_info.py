"""What the middleware knows of a request, for the code that answers it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from starlette.types import Scope

_KEY: Final = "churn.request_info"


@dataclass(frozen=True, slots=True)
class RequestInfo:
    """The headers by their lower-case names, and the name of the API key, empty without one."""

    headers: Mapping[bytes, bytes]
    caller: str


def attach(scope: Scope, info: RequestInfo) -> None:
    """Keep the information with its request."""
    scope[_KEY] = info


def info_of(scope: Scope) -> RequestInfo:
    """Return the information that the middleware attached."""
    info: RequestInfo = scope[_KEY]
    return info
