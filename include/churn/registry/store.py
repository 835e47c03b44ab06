"""The model store: a folder in which readers see the old or the new version, never a half.

``candidates/<version>/`` is being written; ``versions/<version>/`` is complete and immutable;
``CURRENT`` is one line, the live version and the SHA-256 of its manifest, which has those of its
files; ``SERVED`` lists the versions in the order in which they were promoted, with the same hash;
``pins/<version>`` states why a version is never removed; what is in ``retired/`` is being removed.
Publishing is a rename and the replacement of ``CURRENT``, each fsynced, so a crash at any point
leaves the former version live.
"""

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from churn.core import whole_files
from churn.core.errors import ModelRefusedError, NoModelError
from churn.core.names import TRAINING_DAG
from churn.registry import files, served
from churn.registry.manifest import Manifest
from churn.registry.names import checked_file, checked_name, names_in
from churn.registry.served import SHA256, ServedVersion
from churn.registry.version import (
    CARD,
    MANIFEST,
    MODEL,
    SCORECARD,
    TREES,
    Version,
    read_version,
    sha256_of,
)

__all__ = [
    "CARD",
    "MANIFEST",
    "MODEL",
    "SCORECARD",
    "TREES",
    "ModelStore",
    "ServedVersion",
    "Version",
    "read_version",
]

_VERSIONS: Final = "versions"


class ModelStore:
    """A folder shared by the pipeline, which writes, and the services, which read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def pointer(self) -> Path:
        """The file that names the live version."""
        return self.path / "CURRENT"

    def current(self) -> str:
        """Return the live version.

        Raises:
            NoModelError: nothing has been published yet.
            ModelRefusedError: the pointer does not hold a version's name.
        """
        return self._pointed()[0]

    def _pointed(self) -> tuple[str, str | None]:
        """Return the version and the hash that the pointer holds; an older one has no hash."""
        if not os.path.lexists(self.pointer):
            raise NoModelError(f"no model has been published yet; run the DAG {TRAINING_DAG}")
        try:
            content = files.read(self.pointer).decode()
            found = re.fullmatch(rf"(\S+) ({SHA256})\n", content)
            name, manifest_sha256 = (found[1], found[2]) if found else (content.strip(), None)
            return checked_name(name), manifest_sha256
        except (ModelRefusedError, UnicodeDecodeError) as error:
            raise ModelRefusedError(f"{self.pointer} cannot be read: {error}") from None

    def versions(self) -> tuple[str, ...]:
        """Return every published version, oldest first."""
        return names_in(self.path / _VERSIONS)

    @property
    def candidates(self) -> Path:
        """The folder of the versions that are being written, or wait to be published."""
        return self.path / "candidates"

    def candidate(self, version: str) -> Path:
        """Where a version waits to be published."""
        return self.candidates / checked_name(version)

    def published(self, version: str) -> Path:
        """Where a published version is."""
        return self.path / _VERSIONS / checked_name(version)

    def has(self, version: str) -> bool:
        """Whether there is such a version, published or not."""
        return self.candidate(version).exists() or self.published(version).exists()

    def folder(self, version: str) -> Path:
        """Where a version is: among the published ones, else among the candidates."""
        published = self.published(version)
        return published if published.exists() else self.candidate(version)

    def served(self) -> tuple[ServedVersion, ...]:
        """Return the versions that served, the latest last; unreadable lines are left out."""
        return served.parse(self._read_served())

    def damage(self) -> str:
        """Return what is wrong with ``SERVED``; empty if nothing is."""
        is_sound = served.is_as_written(self._read_served())
        return "" if is_sound else f"{self.served_file} is not as it was written"

    @property
    def served_file(self) -> Path:
        """The file that lists which versions served."""
        return self.path / "SERVED"

    def _read_served(self) -> bytes:
        with suppress(ModelRefusedError):
            return files.read(self.served_file)
        return b""

    def read(self, version: str) -> Version:
        """Read a version, published or not, and check it against all that the store knows of it.

        Raises:
            ModelRefusedError: a byte of it, or a file, is not what was published.
        """
        folder = self.folder(version)
        return read_version(folder, manifest_sha256=self._recorded(folder.name))

    def _recorded(self, version: str) -> str | None:
        """Return the hash of a version's manifest by the pointer and by ``SERVED``."""
        known = {one.manifest_sha256 for one in self.served() if one.version == version}
        with suppress(NoModelError, ModelRefusedError):
            live, manifest_sha256 = self._pointed()
            known |= {manifest_sha256} if live == version else set()
        if len(known - {None}) > 1:
            raise ModelRefusedError(f"{version}: CURRENT and SERVED differ in its manifest's hash")
        return next(iter(known - {None}), None)

    def write_candidate(self, manifest: Manifest, content: Mapping[str, bytes]) -> Path:
        """Write a complete version among the candidates, the manifest last."""
        folder = self.candidate(manifest.version)
        folder.mkdir(parents=True)
        for name, data in content.items():
            path = folder / checked_file(name)
            path.parent.mkdir(exist_ok=True)
            files.write(path, data)
        whole_files.replace(folder / MANIFEST, manifest.model_dump_json(indent=2).encode())
        for inner in {(folder / name).parent for name in content} | {folder, folder.parent}:
            whole_files.sync_folder(inner)
        return folder

    def publish(self, version: str, manifest_sha256: str | None = None) -> None:
        """Move a candidate among the published versions and make it live.

        ``manifest_sha256`` is that of the manifest that was verified; by default that of the file.
        """
        candidate, published = self.candidate(version), self.published(version)
        published.parent.mkdir(parents=True, exist_ok=True)
        if not published.exists():
            candidate.rename(published)
            whole_files.sync_folder(published.parent)
            whole_files.sync_folder(candidate.parent)
        hashed = manifest_sha256 or sha256_of(files.read(published / MANIFEST))
        whole_files.replace(self.pointer, f"{version} {hashed}\n".encode())
        self.note_served()

    def live_since(self) -> datetime:
        """When the pointer was last replaced."""
        return datetime.fromtimestamp(self.pointer.lstat().st_mtime, UTC)

    def note_served(self) -> None:
        """Put the live version last in ``SERVED``; add the hashes that an older file lacks."""
        order, (current, hashed) = self.served(), self._pointed()
        is_last = bool(order) and order[-1].version == current
        since = order[-1].since if is_last else self.live_since()
        others = [self._hashed(one) for one in order if one.version != current]
        latest = ServedVersion(current, since, hashed)
        content = served.render([*others, latest if hashed else self._hashed(latest)])
        if content != self._read_served():
            whole_files.replace(self.served_file, content)

    def _hashed(self, one: ServedVersion) -> ServedVersion:
        """Return an entry with the hash of its manifest, where that can be known."""
        if one.manifest_sha256:
            return one
        with suppress(ModelRefusedError):
            return replace(one, manifest_sha256=self.read(one.version).manifest_sha256)
        return one
