"""Who may come in: callers with a key, or, while there are none, callers on this machine."""

import argparse
import ipaddress
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from starlette.types import Scope as AsgiScope

from churn.errors import ChurnError
from churn.keys import Keys, Scope, from_entries, read_keys
from churn.settings import Settings
from serving.api.problems import ProblemError

NO_KEYS: Final = (
    "no API key is configured, so the service answers on loopback only: make one with "
    "`churn keys add NAME`, or set CHURN_API_KEYS (docs/service.md)"
)
_OPEN: Final = frozenset({"/livez", "/readyz", "/docs", "/redoc", "/openapi.json"})
_OPEN_FOLDERS: Final = ("/static-offline-docs/", "/docs/")
_SCOPES: Final[Mapping[str, Scope]] = {"/metrics": Scope.ADMIN, "/outcomes": Scope.OUTCOMES}
_CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="churn"'}

log = logging.getLogger(__name__)


class Doors:
    """The keys of a file, which is followed, and those of the environment."""

    def __init__(self, settings: Settings) -> None:
        self._path = settings.api_keys_file
        self._given = from_entries(settings.api_keys)
        self._stamp = _stamp(self._path)
        self.keys = self._read()

    @property
    def have_keys(self) -> bool:
        """Whether a key was ever configured: neither revoking the last nor a lost file opens."""
        return bool(self.keys.keys)

    def refresh(self) -> None:
        """Read the file again if it has changed; one that cannot be read changes nothing."""
        stamp = _stamp(self._path)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self.keys = self._read_more()
            log.info("the API keys have changed")
        except ChurnError as error:
            log.error("the API keys stay as they were: %s", error)

    def _read_more(self) -> Keys:
        """Return the keys of now; a file that was lost, or emptied, is no reason to open.

        Raises:
            ChurnError: they cannot be read, or there are none any more.
        """
        found = self._read()
        if self.have_keys and not found.keys:
            raise ChurnError(f"{self._path} has none any more; start anew to do without keys")
        return found

    def _read(self) -> Keys:
        return Keys((*self._given.keys, *read_keys(self._path).keys))

    def admit(self, scope: AsgiScope, headers: Mapping[bytes, bytes]) -> str | None:
        """Return the caller's name, none on loopback without keys.

        Raises:
            ProblemError: 401 or 403, saying what would open.
        """
        path = scope["path"]
        if not self.have_keys:
            _require_loopback(scope, headers)
            return None
        if path in _OPEN or path.startswith(_OPEN_FOLDERS):
            return None
        key = self.keys.find(_presented(headers), datetime.now(UTC))
        if key is None:
            detail = "give an API key as `Authorization: Bearer KEY` or `X-API-Key: KEY`"
            raise ProblemError(HTTPStatus.UNAUTHORIZED, detail, headers=_CHALLENGE)
        needed = _SCOPES.get(path, Scope.PREDICT)
        if needed not in key.scopes:
            detail = f"this key opens {', '.join(key.scopes)}; {path} needs the scope {needed}"
            raise ProblemError(HTTPStatus.FORBIDDEN, detail)
        return key.name


def require_doors(doors: Doors, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
    """Refuse to listen to other machines without keys.

    Raises:
        ChurnError: saying what to do.
    """
    host = _asked_host(arguments, environment)
    if not doors.have_keys and not is_loopback(host):
        raise ChurnError(f"not listening on {host}: {NO_KEYS}")


def _asked_host(arguments: Sequence[str], environment: Mapping[str, str]) -> str:
    """Return where uvicorn was asked to listen: it tells its applications nothing of that."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--host", default=environment.get("UVICORN_HOST") or "127.0.0.1")
    return str(parser.parse_known_args(list(arguments))[0].host)


def started_with() -> tuple[Sequence[str], Mapping[str, str]]:
    """Return the arguments and the environment of this process."""
    return sys.argv[1:], os.environ


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


def _require_loopback(scope: AsgiScope, headers: Mapping[bytes, bytes]) -> None:
    """Neither end may be elsewhere; a socket in the file system has no address and is here.

    Nor may the name that was asked for: a page of the web whose own name was made to lead to
    127.0.0.1 would read our answers in the browser of whoever works on this machine.
    """
    server, client = scope.get("server"), scope.get("client")
    ends = [end[0] for end in (server, client) if end is not None and end[1] is not None]
    if ends and (host := headers.get(b"host")):
        ends.append(_name_in(host))
    if not all(map(is_loopback, ends)):
        raise ProblemError(HTTPStatus.FORBIDDEN, NO_KEYS)


@lru_cache(maxsize=256)
def _name_in(host: bytes) -> str:
    try:
        return urlsplit(f"//{host.decode('latin-1')}").hostname or ""
    except ValueError:
        return ""


def _presented(headers: Mapping[bytes, bytes]) -> bytes:
    scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
    return token.strip() if scheme.lower() == b"bearer" else headers.get(b"x-api-key", b"")


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ctime_ns, found.st_ino
