"""What is kept in the model store, and what is removed from it."""

import shutil
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from churn.core import whole_files
from churn.registry.names import checked_name, entries, names_in
from churn.registry.served import ServedVersion
from churn.registry.store import MANIFEST, ModelStore

_CANDIDATE_LIFE: Final = timedelta(days=7)
_PINS: Final = "pins"
_RETIRED: Final = "retired"


@dataclass(frozen=True)
class RetentionRule:
    """The newest versions are kept, and whatever served in the last days, to go back to."""

    newest: int = 20
    served_days: int = 30


def expendable(
    rule: RetentionRule,
    *,
    versions: Sequence[str],
    served: Sequence[ServedVersion],
    pinned: Collection[str | None],
    now: datetime,
) -> tuple[str, ...]:
    """Return the versions that the rule does not keep, oldest first.

    ``versions`` are sorted by age and ``served`` by when they were promoted: each served until
    the next was promoted, and the last one still does.
    """
    since = now - timedelta(days=rule.served_days)
    ends = [one.since for one in served[1:]]
    lately = {one.version for one, end in zip(served[:-1], ends, strict=True) if end >= since}
    serving = {one.version for one in served[-1:]}
    newest = set(versions[max(0, len(versions) - rule.newest) :])
    kept = lately | serving | newest | set(pinned)
    return tuple(version for version in versions if version not in kept)


def pinned(store: ModelStore) -> frozenset[str]:
    """Return the versions that are never removed."""
    return frozenset(names_in(store.path / _PINS))


def pin(store: ModelStore, version: str, reason: str) -> None:
    """Never remove a version."""
    folder = store.path / _PINS
    folder.mkdir(parents=True, exist_ok=True)
    whole_files.replace(folder / checked_name(version), f"{reason}\n".encode())


def unpin(store: ModelStore, version: str) -> None:
    """Let a version be removed when its time comes."""
    path = store.path / _PINS / checked_name(version)
    if path.exists():
        path.unlink()
        whole_files.sync_folder(path.parent)


def retire(store: ModelStore, version: str) -> None:
    """Remove a published version: out of the readers' sight in one rename, then for good."""
    folder = store.path / _RETIRED
    folder.mkdir(exist_ok=True)
    store.published(version).rename(folder / version)
    whole_files.sync_folder(folder)
    whole_files.sync_folder(store.published(version).parent)
    _remove(folder / version)


def discard(store: ModelStore, version: str) -> None:
    """Remove a candidate that will not be published."""
    _remove(store.candidate(version))


def tidy(store: ModelStore, *, older_than: timedelta = _CANDIDATE_LIFE) -> None:
    """Remove what killed writers left, and candidates that were not published in time.

    Only for who holds the lock on the models: another writer's files would be removed too.
    """
    oldest = time.time() - older_than.total_seconds()
    for path in entries(store.candidates):
        is_whole = (path / MANIFEST).exists()  # it is written last
        if not is_whole or path.lstat().st_mtime < oldest:
            _remove(path)
    besides = (*store.path.glob(".*.*"), *(store.path / _PINS).glob(".*.*"))
    for path in (*entries(store.path / _RETIRED), *besides):
        _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
