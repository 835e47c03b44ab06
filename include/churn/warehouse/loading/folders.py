"""Finds the customer files that a path, a folder or a glob names."""

from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Final

from churn.core.errors import DataQualityError, plain_list
from churn.warehouse.loading.source import shown_path

_SUFFIXES: Final = (".csv", ".txt", ".tsv", ".gz", ".zst", ".zip")


def is_glob(name: Path) -> bool:
    """Whether a name stands for several files."""
    return any(letter in str(name) for letter in "*?[")


def find_files(name: Path) -> tuple[Path, ...]:
    """Return the files that a path, a folder or a glob names, in the order of their names.

    Raises:
        DataQualityError: there is none.
    """
    if name.is_dir():
        found = [p for p in _visible(name.iterdir()) if p.suffix.lower() in _SUFFIXES]
    elif is_glob(name) and not name.exists():
        pattern = PurePosixPath(name)
        root = Path(pattern.anchor or ".")
        found = list(_visible(_matching(root, pattern)))
    else:
        found = [name]
    if not found:
        raise DataQualityError(
            f"{shown_path(name)}: there is no customer file ({', '.join(_SUFFIXES)}) there"
            + _what_is_there(name)
        )
    return tuple(sorted(found))


def left_out(name: Path) -> tuple[Path, ...]:
    """Return the visible files of a folder that are not taken, for their names."""
    if not name.is_dir():
        return ()
    others = (p for p in _visible(name.iterdir()) if p.suffix.lower() not in _SUFFIXES)
    return tuple(sorted(others))


def _visible(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield the files that are not hidden, as a shell does: those are not a person's."""
    return (path for path in paths if path.is_file() and not path.name.startswith("."))


def _what_is_there(name: Path) -> str:
    if not name.is_dir():
        return ""
    found = sorted(shown_path(Path(p.name)) + "/" * p.is_dir() for p in name.iterdir())
    advice = "; name a folder in it, or a glob such as '*/*.csv' in quotes"
    listed = f"; it has {plain_list(found)}" if found else ""
    return listed + (advice if any(one.endswith("/") for one in found) else "")


def _matching(root: Path, pattern: PurePosixPath) -> list[Path]:
    try:
        return list(root.glob(str(pattern.relative_to(pattern.anchor))))
    except ValueError as error:
        raise DataQualityError(f"{pattern}: is not a pattern of file names ({error})") from None


def has_files(name: Path) -> bool:
    """Whether a name stands for any file."""
    try:
        return bool(find_files(name))
    except DataQualityError:
        return False
