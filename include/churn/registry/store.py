"""The model store: a folder in which readers see the old or the new version, never a half.

``candidates/<version>/`` is being written; ``versions/<version>/`` is complete and immutable;
``CURRENT`` is one line naming the version in use; ``SERVED`` lists the versions in the order in
which they were put in use; ``pins/<version>`` says why a version is never removed; what is in
``retired/`` is being removed. Publishing is a rename and the replacement of ``CURRENT``, each
fsynced, so a crash at any point leaves the former version in use.
"""

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from churn import whole_files
from churn.errors import ModelRefusedError, NoModelError
from churn.registry import files
from churn.registry.manifest import FILE_PATTERN, VERSION_PATTERN, Manifest, read_manifest

MANIFEST: Final = "manifest.json"
SCORECARD: Final = "scorecard.json"
TREES: Final = "trees.json"
MODEL: Final = "model.joblib"
CARD: Final = "card.md"


@dataclass(frozen=True)
class Version:
    """A version's manifest and the content of its files, hashes checked."""

    manifest: Manifest
    files: Mapping[str, bytes]
    manifest_sha256: str


@dataclass(frozen=True)
class Served:
    """A version, and when it was last put in use."""

    version: str
    since: datetime


class ModelStore:
    """A folder shared by the pipeline, which writes, and the services, which read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def pointer(self) -> Path:
        """The file that names the version in use."""
        return self.path / "CURRENT"

    def current(self) -> str:
        """Return the version in use.

        Raises:
            NoModelError: nothing has been published yet.
            ModelRefusedError: the pointer does not hold a version's name.
        """
        if not os.path.lexists(self.pointer):
            raise NoModelError("no model has been published yet; run the DAG churn_training")
        try:
            name = files.read(self.pointer).decode().strip()
        except (ModelRefusedError, UnicodeDecodeError) as error:
            raise ModelRefusedError(f"{self.pointer} cannot be read: {error}") from None
        return checked_name(name)

    def versions(self) -> tuple[str, ...]:
        """Return every published version, oldest first."""
        return names_in(self.path / "versions")

    def candidate(self, version: str) -> Path:
        """Where a version waits to be published."""
        return self.path / "candidates" / checked_name(version)

    def published(self, version: str) -> Path:
        """Where a published version is."""
        return self.path / "versions" / checked_name(version)

    def has(self, version: str) -> bool:
        """Whether there is such a version, published or not."""
        return self.candidate(version).exists() or self.published(version).exists()

    def folder(self, version: str) -> Path:
        """Where a version is: among the published ones, else among the candidates."""
        published = self.published(version)
        return published if published.exists() else self.candidate(version)

    def served(self) -> tuple[Served, ...]:
        """Return the versions that served, the latest last; lines that say nothing are left out."""
        try:
            text = files.read(self.path / "SERVED").decode(errors="replace")
        except ModelRefusedError:
            return ()
        found = (_read_served(line) for line in text.splitlines())
        return tuple(one for one in found if one)

    def write_candidate(self, manifest: Manifest, content: Mapping[str, bytes]) -> Path:
        """Write a complete version beside the published ones, the manifest last."""
        folder = self.candidate(manifest.version)
        folder.mkdir(parents=True)
        for name, data in content.items():
            path = folder / _checked_file(name)
            path.parent.mkdir(exist_ok=True)
            files.write(path, data)
        whole_files.replace(folder / MANIFEST, manifest.model_dump_json(indent=2).encode())
        for inner in {(folder / name).parent for name in content} | {folder, folder.parent}:
            whole_files.sync_folder(inner)
        return folder

    def publish(self, version: str) -> None:
        """Move a candidate among the published versions and make it the one in use."""
        candidate, published = self.candidate(version), self.published(version)
        published.parent.mkdir(parents=True, exist_ok=True)
        if not published.exists():
            candidate.rename(published)
            whole_files.sync_folder(published.parent)
            whole_files.sync_folder(candidate.parent)
        whole_files.replace(self.pointer, f"{version}\n".encode())
        self.note_served()

    def in_use_since(self) -> datetime:
        """When the pointer was last replaced."""
        return datetime.fromtimestamp(self.pointer.lstat().st_mtime, UTC)

    def note_served(self) -> None:
        """Put the version in use last in ``SERVED``, unless it is there."""
        order, current = self.served(), self.current()
        if not order or order[-1].version != current:
            others = [one for one in order if one.version != current]
            latest = Served(current, self.in_use_since())
            lines = (f"{one.since.isoformat()} {one.version}\n" for one in [*others, latest])
            whole_files.replace(self.path / "SERVED", "".join(lines).encode())


def read_version(folder: Path) -> Version:
    """Read a version and check it against its own manifest.

    Raises:
        ModelRefusedError: a file is missing, is a link, or is not the one the manifest describes.
    """
    files.refuse_links(folder / MANIFEST, below=folder)
    written = files.read(folder / MANIFEST)
    manifest = read_manifest(written)
    if manifest.version != folder.name:
        raise ModelRefusedError(f"{folder.name} holds the manifest of {manifest.version}")
    content = {name: _read_listed(folder, name) for name in manifest.files}
    for name, data in content.items():
        if hashlib.sha256(data).hexdigest() != manifest.files[name]:
            raise ModelRefusedError(f"{folder.name}/{name}: its SHA-256 is not the manifest's")
    return Version(manifest, content, hashlib.sha256(written).hexdigest())


def _read_listed(folder: Path, name: str) -> bytes:
    path = folder / _checked_file(name)
    files.refuse_links(path, below=folder)
    return files.read(path)


def names_in(folder: Path) -> tuple[str, ...]:
    """Return what has the name of a version in a folder, sorted."""
    names = [path.name for path in entries(folder)]
    return tuple(sorted(name for name in names if re.fullmatch(VERSION_PATTERN, name)))


def entries(folder: Path) -> list[Path]:
    """Return what a folder holds, nothing if it is not there."""
    return list(folder.iterdir()) if folder.is_dir() else []


def _read_served(line: str) -> Served | None:
    since, _, version = line.partition(" ")
    try:
        return Served(checked_name(version), datetime.fromisoformat(since))
    except (ModelRefusedError, ValueError):
        return None


def checked_name(name: str) -> str:
    """Return the name of a version.

    Raises:
        ModelRefusedError: it is none, and might lead elsewhere.
    """
    return _matching(VERSION_PATTERN, name)


def _checked_file(name: str) -> str:
    return _matching(FILE_PATTERN, name)


def _matching(pattern: str, name: str) -> str:
    if not re.fullmatch(pattern, name):
        raise ModelRefusedError(f"{name[:80]!r} is not a name in a model store")
    return name
