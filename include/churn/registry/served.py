"""The file ``SERVED``: which versions served, in order, and the SHA-256 of each one's manifest.

A line each, and a last line with the SHA-256 of those before it. A file that was written before
manifests were hashed has neither hash; the next writer adds them.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from churn.registry.manifest import VERSION_PATTERN

_UNHASHED: Final = "-"
SHA256: Final = "[0-9a-f]{64}"
_LINE: Final = re.compile(rf"(\S+) ({VERSION_PATTERN[1:-1]})(?: ({SHA256}|{_UNHASHED}))?")


@dataclass(frozen=True)
class ServedVersion:
    """A version, when it was last promoted, and its manifest's hash where that was recorded."""

    version: str
    since: datetime
    manifest_sha256: str | None = None


def parse(content: bytes) -> tuple[ServedVersion, ...]:
    """Return the versions that served, the latest last; lines that cannot be read are left out."""
    found = map(_parsed, content.decode(errors="replace").split("\n"))
    return tuple(one for one in found if one)


def render(order: Sequence[ServedVersion]) -> bytes:
    """Return the file's content."""
    lines = (
        f"{one.since.isoformat()} {one.version} {one.manifest_sha256 or _UNHASHED}\n"
        for one in order
    )
    content = "".join(lines).encode()
    return content + f"sha256 {hashlib.sha256(content).hexdigest()}\n".encode()


def is_as_written(content: bytes) -> bool:
    """Whether no byte of the file was changed; of one without hashes, whether each line is read."""
    order = parse(content)
    unhashed = "".join(f"{one.since.isoformat()} {one.version}\n" for one in order).encode()
    return content in {render(order), unhashed}


def _parsed(line: str) -> ServedVersion | None:
    found = _LINE.fullmatch(line)
    try:
        since = datetime.fromisoformat(found[1]) if found else None
    except ValueError:
        return None
    if not (found and since):
        return None
    return ServedVersion(found[2], since, None if found[3] in (None, _UNHASHED) else found[3])
