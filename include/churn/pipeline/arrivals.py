"""Finds the customer files in the data folder that were not loaded yet."""

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from os import stat_result
from pathlib import Path
from typing import Final, cast

from churn.core.errors import DataQualityError
from churn.warehouse.connect import Connection, placeholders, statement
from churn.warehouse.loading.folders import find_files, has_files
from churn.warehouse.loading.known_files import find_known
from churn.warehouse.loading.load import day_in
from churn.warehouse.loading.source import Source, examine

QUIET_SECONDS: Final = 10.0
"""A file that was written to within this time may still be copied."""
_WAITS: Final = 60

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Arrivals:
    """The files to load, the oldest day first, and why others cannot be read."""

    paths: tuple[Path, ...]
    refusals: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Arrival:
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
    stopped: bool = False,
    pause: Callable[[float], None] = time.sleep,
) -> Arrivals:
    """Return the files that were not loaded yet; log why others are left.

    The shipped sample counts only where no other file is there. A file whose bytes the gate
    stopped is tried again only with ``stopped``. ``again`` returns the file of the newest day,
    loaded or not.
    """
    paths = find_files(where) if has_files(where) else ()
    shown = [path for path in paths if path.is_file() and not path.name.startswith(".")]
    found, refusals = _examine(_settled(shown, pause))
    if again:
        return Arrivals(tuple(one.source.path for one in found[-1:]), refusals)
    seen = {} if not found else _read_seen(connection, found)
    new = [one for one in found if _is_new(one, seen.get(one.source.sha256), stopped=stopped)]
    return Arrivals(tuple(one.source.path for one in new), refusals)


def _settled(paths: Iterable[Path], pause: Callable[[float], None]) -> list[Path]:
    """Wait, ten minutes at most, until no file is written to; leave those that still are."""
    settled, fresh = list(paths), dict[Path, stat_result]()
    for _ in range(_WAITS):
        fresh = {path: path.stat() for path in settled if _is_fresh(path, fresh)}
        if not fresh:
            return settled
        pause(QUIET_SECONDS)
    for path in fresh:
        log.warning("%s is still being written; it is left for the next run", path)
    return [path for path in settled if path not in fresh]


def _is_fresh(path: Path, before: Mapping[Path, stat_result]) -> bool:
    now = path.stat()
    if path in before:
        was = before[path]
        return (was.st_size, was.st_mtime_ns) != (now.st_size, now.st_mtime_ns)
    return time.time() - now.st_mtime < QUIET_SECONDS


def _examine(paths: Iterable[Path]) -> tuple[list[_Arrival], tuple[str, ...]]:
    """Return the files by their days, without the sample where there are others."""
    found: list[_Arrival] = []
    refusals: list[str] = []
    for path in paths:
        try:
            found.append(_arrival(path))
        except DataQualityError as error:
            refusals.append(str(error))
    ordered = sorted(found, key=lambda one: (one.day, one.source.path))
    own = [one for one in ordered if not one.is_sample]
    return own if own or refusals else ordered, tuple(refusals)


def _arrival(path: Path) -> _Arrival:
    source = examine(path)
    named = day_in(source)
    written = datetime.fromtimestamp(path.stat().st_mtime, UTC).date()
    return _Arrival(source, named or written, named is not None, find_known(source).is_sample)


def _is_new(arrival: _Arrival, seen: _Seen | None, *, stopped: bool) -> bool:
    if seen is None:
        return True
    if seen.verdict == "stop":
        if not stopped:
            log.warning(
                "%s was stopped as load %s and is not tried again by itself; repair it, or name "
                "it in the form",
                arrival.source.name,
                seen.load_id,
            )
        return stopped
    return arrival.is_named and (seen.accepted_day is None or arrival.day > seen.accepted_day)


def _read_seen(connection: Connection, found: Iterable[_Arrival]) -> dict[str, _Seen]:
    values = {"sha256": [one.source.sha256 for one in found]}
    query = statement("find_verdicts", **placeholders(values))
    return {
        str(sha256): _Seen(str(verdict), cast(int, load_id), cast(date | None, day))
        for sha256, verdict, load_id, day in connection.execute(query, values).fetchall()
    }
