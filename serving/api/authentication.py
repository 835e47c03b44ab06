"""Authentication by API key; without configured keys, by loopback address."""

import argparse
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Final

from starlette.types import Scope as AsgiScope

from churn.core.api_keys import Keys, Scope, from_entries, read_keys
from churn.core.errors import ChurnError
from churn.core.settings import Settings
from serving.api.origins import NO_KEYS, is_loopback, require_loopback
from serving.api.problems import ProblemError

_OPEN: Final = frozenset({"/", "/livez", "/readyz", "/docs", "/redoc", "/openapi.json"})
_OPEN_FOLDERS: Final = ("/static-offline-docs/", "/docs/")
_SCOPES: Final[Mapping[str, Scope]] = {"/metrics": Scope.ADMIN, "/outcomes": Scope.OUTCOMES}
_CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="churn"'}

log = logging.getLogger(__name__)


class Authentication:
    """The API keys of a file, which is read again when it changes, and of the environment."""

    def __init__(self, settings: Settings) -> None:
        self._path = settings.api_keys_file
        self._given = from_entries(settings.api_keys)
        self._stamp = _stamp(self._path)
        self.keys = self._read()

    @property
    def have_keys(self) -> bool:
        """Whether there are keys, revoked ones included. Without any, only loopback is answered."""
        return bool(self.keys.keys)

    def refresh(self) -> None:
        """Read the file again if it has changed; keep the keys if it cannot be read."""
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
        """Return the current keys. Losing or emptying the file does not open the service.

        Raises:
            ChurnError: they cannot be read, or all are gone.
        """
        found = self._read()
        if self.have_keys and not found.keys:
            raise ChurnError(f"{self._path} has none any more; start anew to do without keys")
        return found

    def _read(self) -> Keys:
        return Keys((*self._given.keys, *read_keys(self._path).keys))

    def admit(self, scope: AsgiScope, headers: Mapping[bytes, bytes]) -> str | None:
        """Return the name of the caller's key, None on loopback without keys.

        Raises:
            ProblemError: 401 or 403.
        """
        path = scope["path"]
        if not self.have_keys:
            require_loopback(scope, headers)
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


def require_keys(
    authentication: Authentication, arguments: Sequence[str], environment: Mapping[str, str]
) -> None:
    """Refuse to listen to other machines without keys.

    Raises:
        ChurnError: the host is not loopback and there are no keys.
    """
    host = _host_option(arguments, environment)
    if not authentication.have_keys and not is_loopback(host):
        raise ChurnError(f"not listening on {host}: {NO_KEYS}")


def _host_option(arguments: Sequence[str], environment: Mapping[str, str]) -> str:
    """Return uvicorn's host option, which uvicorn does not pass to applications."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--host", default=environment.get("UVICORN_HOST") or "127.0.0.1")
    return str(parser.parse_known_args(list(arguments))[0].host)


def started_with() -> tuple[Sequence[str], Mapping[str, str]]:
    """Return the arguments and the environment of this process."""
    return sys.argv[1:], os.environ


def _presented(headers: Mapping[bytes, bytes]) -> bytes:
    scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
    return token.strip() if scheme.lower() == b"bearer" else headers.get(b"x-api-key", b"")


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ctime_ns, found.st_ino
