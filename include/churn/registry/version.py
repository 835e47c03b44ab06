"""A version's folder: its manifest, and every file that the manifest names and no other."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from churn.core.errors import ModelRefusedError
from churn.registry import files
from churn.registry.manifest import Manifest, read_manifest
from churn.registry.names import checked_file

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


def read_version(folder: Path, *, manifest_sha256: str | None = None) -> Version:
    """Read a version and check it against its own manifest, and that against its hash if given.

    Raises:
        ModelRefusedError: a file is missing, is a link, is not the one that the manifest describes,
            or is not in the manifest.
    """
    files.refuse_links(folder / MANIFEST, below=folder)
    written = files.read(folder / MANIFEST)
    found = sha256_of(written)
    if manifest_sha256 not in (None, found):
        raise ModelRefusedError(f"{folder.name}/{MANIFEST}: its SHA-256 is not the published one")
    manifest = read_manifest(written)
    if manifest.version != folder.name:
        raise ModelRefusedError(f"{folder.name} holds the manifest of {manifest.version}")
    content = {name: _read_listed(folder, name) for name in manifest.files}
    for name, data in content.items():
        if sha256_of(data) != manifest.files[name]:
            raise ModelRefusedError(f"{folder.name}/{name}: its SHA-256 is not the manifest's")
    _refuse_others(folder, {MANIFEST, *manifest.files})
    return Version(manifest, content, found)


def _read_listed(folder: Path, name: str) -> bytes:
    path = folder / checked_file(name)
    files.refuse_links(path, below=folder)
    return files.read(path)


def _refuse_others(folder: Path, names: set[str]) -> None:
    listed = {folder / name for name in names}
    known = listed | {parent for path in listed for parent in path.parents}
    for path in sorted(folder.rglob("*")):
        if path not in known:
            name = path.relative_to(folder)
            raise ModelRefusedError(f"{folder.name}/{name}: is not in the manifest")


def sha256_of(content: bytes) -> str:
    """Return the hash in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()
