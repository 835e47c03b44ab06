"""Finds the customer files in the data folder that were not loaded yet."""

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final, cast

from churn.warehouse.connect import Connection, placeholders, statement
from churn.warehouse.known_files import find_known
from churn.warehouse.load import day_in
from churn.warehouse.source import Source, examine, find_files, has_files

QUIET_SECONDS: Final = 10.0
"""A file that was written to within this time may still be copied."""
_PATIENCE: Final = 600.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Arrival:
    """A file of the data folder. ``day`` is that in its name, or when it was last written."""

    source: Source
    day: date
    is_named: bool
    is_sample: bool


@dataclass(frozen=True)
class _Seen:
    """The last verdict on a file's bytes, and the day as of which they were accepted."""

    verdict: str
    load_id: int
    accepted_day: date | None


def find_new(
    connection: Connection,
    where: Path,
    *,
    again: bool = False,
    pause: Callable[[float], None] = time.sleep,
) -> tuple[Path, ...]:
    """Return the files that were not loaded, the oldest day first; log why others are left.

    The shipped sample counts only where no other file is there. A file whose bytes the gate
    stopped is not tried again. ``again`` returns the file of the newest day, loaded or not.

    Raises:
        DataQualityError: a file cannot be read, or has two days in its name.
    """
    paths = [path for path in _files(where) if not path.name.startswith(".")]
    settled = [path for path in paths if _is_settled(path, pause)]
    found = _own([_arrival(path) for path in settled])
    if again:
        return tuple(one.source.path for one in found[-1:])
    seen = _read_seen(connection, found)
    return tuple(one.source.path for one in found if _is_new(one, seen.get(one.source.sha256)))


def _files(where: Path) -> tuple[Path, ...]:
    return find_files(where) if has_files(where) else ()


def _own(found: Iterable[Arrival]) -> list[Arrival]:
    ordered = sorted(found, key=lambda one: (one.day, one.source.path))
    return [one for one in ordered if not one.is_sample] or ordered


def _arrival(path: Path) -> Arrival:
    source = examine(path)
    named = day_in(source)
    written = datetime.fromtimestamp(path.stat().st_mtime, UTC).date()
    return Arrival(source, named or written, named is not None, find_known(source).is_sample)


def _is_settled(path: Path, pause: Callable[[float], None]) -> bool:
    """Wait until a file has not been written to for a while; not for ever."""
    waited = 0.0
    while (age := time.time() - path.stat().st_mtime) < QUIET_SECONDS and waited < _PATIENCE:
        before = path.stat()
        step = min(QUIET_SECONDS, QUIET_SECONDS - age)
        pause(step)
        waited += step
        if _is_same(before, path) and age < 0:  # a clock that is ahead
            return True
    if waited >= _PATIENCE:
        log.info("%s is still being written; it is left for the next run", path)
    return waited < _PATIENCE


def _is_same(before: object, path: Path) -> bool:
    return before == path.stat()


def _is_new(arrival: Arrival, seen: _Seen | None) -> bool:
    if seen is None:
        return True
    if seen.verdict == "stop":
        name = arrival.source.path.name
        log.info(
            "%s was stopped as load %s and is not tried again; name it to load it all the same",
            name,
            seen.load_id,
        )
        return False
    return arrival.is_named and (seen.accepted_day is None or arrival.day > seen.accepted_day)


def _read_seen(connection: Connection, found: Iterable[Arrival]) -> dict[str, _Seen]:
    values = {"sha256": [one.source.sha256 for one in found]}
    query = statement("find_verdicts", **placeholders(values))
    return {
        str(sha256): _Seen(str(verdict), cast(int, load_id), cast(date | None, day))
        for sha256, verdict, load_id, day in connection.execute(query, values).fetchall()
    }
