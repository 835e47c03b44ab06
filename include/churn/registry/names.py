"""The names in a model store: of versions and of their files."""

import re
from pathlib import Path

from churn.core.errors import ModelRefusedError
from churn.registry.manifest import FILE_PATTERN, VERSION_PATTERN


def checked_name(name: str) -> str:
    """Return the name of a version.

    Raises:
        ModelRefusedError: it is none, and might lead elsewhere.
    """
    return _matching(VERSION_PATTERN, name)


def checked_file(name: str) -> str:
    """Return the name of a version's file.

    Raises:
        ModelRefusedError: it is none, and might lead elsewhere.
    """
    return _matching(FILE_PATTERN, name)


def names_in(folder: Path) -> tuple[str, ...]:
    """Return what has the name of a version in a folder, sorted."""
    names = [path.name for path in entries(folder)]
    return tuple(sorted(name for name in names if re.fullmatch(VERSION_PATTERN, name)))


def entries(folder: Path) -> list[Path]:
    """Return what a folder holds, nothing if it is not there."""
    return list(folder.iterdir()) if folder.is_dir() else []


def _matching(pattern: str, name: str) -> str:
    if not re.fullmatch(pattern, name):
        raise ModelRefusedError(f"{name[:80]!r} is not a name in a model store")
    return name
