"""The model store: a folder in which readers see the old or the new version, never a half.

``candidates/<version>/`` is being written; ``versions/<version>/`` is complete and immutable;
``CURRENT`` is one line naming the version in use. Publishing is a rename and the replacement of
that line, each fsynced, so a crash at any point leaves the former version in use.
"""

import hashlib
import os
import re
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from churn.errors import ModelRefusedError, NoModelError
from churn.registry.manifest import VERSION_PATTERN, Manifest, read_manifest

MANIFEST = "manifest.json"
SCORECARD = "scorecard.json"
TREES = "trees.json"
MODEL = "model.joblib"
CARD = "card.md"


@dataclass(frozen=True)
class Version:
    """A version's manifest and the content of its files, hashes checked."""

    manifest: Manifest
    files: Mapping[str, bytes]


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
        try:
            name = self.pointer.read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            raise NoModelError(
                "no model has been published yet; run the DAG churn_training"
            ) from None
        except (OSError, UnicodeDecodeError) as error:
            raise ModelRefusedError(f"{self.pointer} cannot be read: {error}") from None
        return _checked_name(name)

    def versions(self) -> tuple[str, ...]:
        """Return every published version, oldest first."""
        folder = self.path / "versions"
        names = [p.name for p in folder.iterdir()] if folder.is_dir() else []
        return tuple(sorted(name for name in names if re.fullmatch(VERSION_PATTERN, name)))

    def candidate(self, version: str) -> Path:
        """Where a version waits to be published."""
        return self.path / "candidates" / _checked_name(version)

    def published(self, version: str) -> Path:
        """Where a published version is."""
        return self.path / "versions" / _checked_name(version)

    def has(self, version: str) -> bool:
        """Whether there is such a version, published or not."""
        return self.candidate(version).exists() or self.published(version).exists()

    def write_candidate(self, manifest: Manifest, files: Mapping[str, bytes]) -> Path:
        """Write a complete version beside the published ones, the manifest last."""
        folder = self.candidate(manifest.version)
        folder.mkdir(parents=True)
        for name, content in files.items():
            _write(folder / name, content)
        _write(folder / MANIFEST, manifest.model_dump_json(indent=2).encode())
        _sync_folder(folder)
        _sync_folder(folder.parent)
        return folder

    def publish(self, version: str) -> None:
        """Move a candidate among the published versions and make it the one in use."""
        candidate, published = self.candidate(version), self.published(version)
        published.parent.mkdir(parents=True, exist_ok=True)
        if not published.exists():
            candidate.rename(published)
            _sync_folder(published.parent)
        beside = self.path / f".CURRENT.{os.getpid()}"
        _write(beside, f"{version}\n".encode())
        beside.replace(self.pointer)
        _sync_folder(self.path)

    def discard_candidates(self, *, older_than: timedelta = timedelta(days=1)) -> None:
        """Remove versions that were written and then left unpublished."""
        folder = self.path / "candidates"
        oldest = time.time() - older_than.total_seconds()
        for path in folder.iterdir() if folder.is_dir() else ():
            if path.stat().st_mtime < oldest:
                shutil.rmtree(path, ignore_errors=True)


def read_version(folder: Path) -> Version:
    """Read a version and check it against its own manifest.

    Raises:
        ModelRefusedError: a file is missing, or is not the one that the manifest describes.
    """
    manifest = read_manifest(_read(folder / MANIFEST))
    if manifest.version != folder.name:
        raise ModelRefusedError(f"{folder.name} holds the manifest of {manifest.version}")
    files = {name: _read(folder / _checked_name(name)) for name in manifest.files}
    for name, content in files.items():
        if hashlib.sha256(content).hexdigest() != manifest.files[name]:
            raise ModelRefusedError(f"{folder.name}/{name}: its SHA-256 is not the manifest's")
    return Version(manifest, files)


def _checked_name(name: str) -> str:
    if not re.fullmatch(VERSION_PATTERN, name):
        raise ModelRefusedError(f"{name[:80]!r} is not a name in a model store")
    return name


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelRefusedError(f"{path.parent.name}/{path.name}: {error.strerror}") from None


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
