"""API keys: who may call the service, and for what. Only their hashes are kept.

A key is 256 random bits, so there is nothing that a slow hash (scrypt, Argon2) would have to make
expensive to guess, and SHA-256 costs a request a microsecond (NIST SP 800-63B 5.1.1.2 asks for slow
hashes of *memorised* secrets). A digest is compared with every key's in constant time.
"""

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final

from churn.core import whole_files
from churn.core.errors import ChurnError

GRACE: Final = timedelta(hours=24)
"""How long a rotated key still works by default."""

_NAME: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,63}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_SECRET: Final = re.compile(r"churn_[0-9A-Za-z_-]+")
_ENTRY_HELP: Final = "expected name:scope+scope:sha256, as `churn keys list --environment` prints"


class Scope(StrEnum):
    """What a key opens."""

    PREDICT = "predict"
    OUTCOMES = "outcomes"
    ADMIN = "admin"


@dataclass(frozen=True)
class Key:
    """One key's hash and what it opens; until ``expires_at``, if that is set."""

    name: str
    scopes: tuple[Scope, ...]
    sha256: str
    created_at: datetime
    expires_at: datetime | None = None

    def is_live(self, now: datetime) -> bool:
        """Whether the key still opens anything."""
        return self.expires_at is None or now < self.expires_at


@dataclass(frozen=True)
class Keys:
    """Every key there is; one that was revoked stays as a record, and opens nothing."""

    keys: tuple[Key, ...] = ()

    def find(self, presented: bytes, now: datetime) -> Key | None:
        """Return the live key that was presented; the time does not depend on its content."""
        digest = hashlib.sha256(presented).hexdigest()
        found = None
        for key in self.keys:
            if hmac.compare_digest(digest, key.sha256):
                found = key
        return found if found and found.is_live(now) else None

    def named(self, name: str, now: datetime) -> tuple[Key, ...]:
        """Return the live keys of a name.

        Raises:
            ChurnError: there is none.
        """
        found = tuple(key for key in self.keys if key.name == name and key.is_live(now))
        if not found:
            raise ChurnError(f"no live key is named {name!r}; `churn keys list` shows them")
        return found


@dataclass(frozen=True)
class Made:
    """All keys with a new one among them, and the secret that is shown once."""

    keys: Keys
    secret: str


def add(keys: Keys, name: str, scopes: Iterable[Scope], now: datetime) -> Made:
    """Return the keys with a new one.

    Raises:
        ChurnError: the name is taken, or is none.
    """
    if any(key.name == name and key.is_live(now) for key in keys.keys):
        raise ChurnError(f"there is a key named {name!r}; `churn keys rotate {name}` replaces it")
    return _with_new(keys, _checked_name(name), tuple(scopes), now)


def rotate(keys: Keys, name: str, now: datetime, grace: timedelta = GRACE) -> Made:
    """Return the keys with a new one of the same name and scopes; the former open for a while."""
    former = keys.named(name, now)
    last = now + grace
    ended = [replace(k, expires_at=min(last, k.expires_at or last)) for k in former]
    rest = tuple(key for key in keys.keys if key not in former)
    return _with_new(Keys((*rest, *ended)), name, former[-1].scopes, now)


def revoke(keys: Keys, name: str, now: datetime) -> Keys:
    """Return the keys with those of a name closed at once."""
    closed = keys.named(name, now)
    rest = tuple(key for key in keys.keys if key not in closed)
    return Keys((*rest, *(replace(key, expires_at=now) for key in closed)))


def _with_new(keys: Keys, name: str, scopes: tuple[Scope, ...], now: datetime) -> Made:
    secret = f"churn_{secrets.token_urlsafe(32)}"
    digest = hashlib.sha256(secret.encode()).hexdigest()
    return Made(Keys((*keys.keys, Key(name, scopes, digest, now))), secret)


def entry(key: Key) -> str:
    """Return a key as it stands in ``CHURN_API_KEYS``."""
    return f"{key.name}:{'+'.join(key.scopes)}:{key.sha256}"


def from_entries(text: str) -> Keys:
    """Return the keys of ``CHURN_API_KEYS``: entries parted by spaces or commas.

    Raises:
        ChurnError: naming the entry that is none.
    """
    return Keys(tuple(_from_entry(part) for part in re.split(r"[\s,]+", text) if part))


def _from_entry(text: str) -> Key:
    try:
        name, scopes, digest = text.split(":")
        if not _DIGEST.fullmatch(digest):
            raise ValueError
        found = _scopes(scopes.split("+"))
        return Key(_checked_name(name), found, digest, datetime.fromtimestamp(0, UTC))
    except ValueError:
        shown = _SECRET.sub("churn_...", text)[:40]
        raise ChurnError(f"CHURN_API_KEYS: {shown!r}: {_ENTRY_HELP}") from None


def read_keys(path: Path) -> Keys:
    """Return the keys of a file, none where it is not there.

    Raises:
        ChurnError: the file cannot be read, or others than its owner may read it.
    """
    try:
        if path.stat().st_mode & 0o077:
            raise ChurnError(f"{path} may be read by others: `chmod 600 {path}`")
        return Keys(tuple(map(_read_key, json.loads(path.read_bytes())["keys"])))
    except FileNotFoundError:
        return Keys()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ChurnError(f"{path} cannot be read as API keys: {error!r}") from None


def write_keys(path: Path, keys: Keys) -> None:
    """Replace the file in one step; only its owner can read it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"keys": [asdict(key) for key in keys.keys]}
    text = json.dumps(content, default=datetime.isoformat, indent=1)
    whole_files.replace(path, text.encode(), mode=0o600)


def _read_key(content: dict[str, str | list[str] | None]) -> Key:
    expires = content["expires_at"]
    return Key(
        str(content["name"]),
        _scopes(content["scopes"] or ()),
        str(content["sha256"]),
        datetime.fromisoformat(str(content["created_at"])),
        datetime.fromisoformat(str(expires)) if expires else None,
    )


def _scopes(names: Iterable[str]) -> tuple[Scope, ...]:
    return tuple(map(Scope, names))


def _checked_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ChurnError(f"{name[:80]!r} is no name: 1 to 64 letters, digits, '.', '_' or '-'")
    return name
