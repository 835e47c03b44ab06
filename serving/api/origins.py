"""Access without API keys: programs on this machine, and pages of this service.

A page of any site can make a browser on this machine send requests to the service. It cannot read
the responses, unless its own name resolves to 127.0.0.1 (DNS rebinding). So the Host header is
checked, and the headers in which browsers report the origin of a request.
"""

import ipaddress
import re
from collections.abc import Mapping
from functools import lru_cache
from http import HTTPStatus
from typing import Final

from starlette.types import Scope

from serving.api.problems import ProblemError

NO_KEYS: Final = (
    "no API key is configured, so the service answers on loopback only: make one with "
    "`churn keys add NAME`, or set CHURN_API_KEYS (docs/service.md)"
)
_OTHER_PAGE: Final = (
    "the request comes from a page of another origin, which is not answered while no API key is "
    "configured (docs/service.md)"
)
_HOST: Final = re.compile(rb"([a-z0-9.-]+|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?", re.IGNORECASE)
_HIGHEST_PORT: Final = 65_535
_OWN_SITES: Final = frozenset({b"same-origin", b"none"})

Headers = Mapping[bytes, bytes]


def require_loopback(scope: Scope, headers: Headers) -> None:
    """Refuse a request unless both its addresses and its Host are those of this machine.

    A Unix socket has no address and is local.

    Raises:
        ProblemError: 403.
    """
    server, client = scope.get("server"), scope.get("client")
    ends = [end[0] for end in (server, client) if end is not None and end[1] is not None]
    if ends and not (all(map(is_loopback, ends)) and _names_this_machine(scope)):
        raise ProblemError(HTTPStatus.FORBIDDEN, NO_KEYS)
    if _is_of_other_page(scope, headers):
        raise ProblemError(HTTPStatus.FORBIDDEN, _OTHER_PAGE)


@lru_cache(maxsize=1024)
def is_loopback(host: str) -> bool:
    """Whether an address can be reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


def _names_this_machine(scope: Scope) -> bool:
    """Whether there is one Host (RFC 9112, 3.2), of this machine; HTTP/1.0 may have none."""
    hosts = [value for name, value in scope["headers"] if name == b"host"]
    if len(hosts) == 1:
        return _is_of_this_machine(hosts[0])
    return not hosts and scope.get("http_version") == "1.0"


@lru_cache(maxsize=256)
def _is_of_this_machine(host: bytes) -> bool:
    found = _HOST.fullmatch(host)
    if found is None or int(found[2] or 0) > _HIGHEST_PORT:
        return False
    return is_loopback(found[1].strip(b"[]").decode().lower())


def _is_of_other_page(scope: Scope, headers: Headers) -> bool:
    """Whether a browser reports another origin (RFC 6454; Fetch Metadata), links excepted."""
    origin = headers.get(b"origin")
    if origin is not None:
        return origin.partition(b"://")[2].lower() != headers.get(b"host", b"").lower()
    site = headers.get(b"sec-fetch-site")
    is_link = scope["method"] in {"GET", "HEAD"} and headers.get(b"sec-fetch-mode") == b"navigate"
    return site is not None and site not in _OWN_SITES and not is_link
