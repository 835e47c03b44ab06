"""Brings a customer file into an all-text staging table and records it."""

import logging
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

from churn.core.errors import DataQualityError
from churn.customer.description import SNAPSHOT_DATE
from churn.warehouse.cleaning.numbers import find_number_format
from churn.warehouse.connect import Connection, placeholders, run, scalar, statement
from churn.warehouse.load_lock import lock_loads
from churn.warehouse.loading.customer_file import CustomerFile, open_file
from churn.warehouse.loading.dialect import DETECT_FORMAT, FormatOptions
from churn.warehouse.loading.known_files import LISTED_IN, KnownFile, find_known
from churn.warehouse.loading.number_format import NumberFormat
from churn.warehouse.loading.source import Source, examine
from churn.warehouse.loading.staging import Filled, fill_staging

_DAY: Final = re.compile(
    r"(?:(?<!\d)|(?<=20\d\d[01]\d[0-3]\d))"
    r"(?=(?P<year>20\d\d)(?P<mark>[-_.]?)(?P<month>[01]\d)(?P=mark)(?P<day>[0-3]\d)"
    r"(?:[T_-]?\d{4,6}|20\d{6})?(?!\d))"
)
"""A day, with or without a time; a lookahead, so that a second day within it is found, too."""
DATED_BY_COLUMN: Final = f"the column {SNAPSHOT_DATE.header}"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Reading:
    """How to read a file; ``None`` is detected."""

    options: FormatOptions = DETECT_FORMAT
    snapshot_date: date | None = None
    again: bool = False


@dataclass(frozen=True)
class Load:
    """One loaded file. ``repeats``: the same bytes were loaded before, as this load."""

    load_id: int
    rows: int
    repeats: bool = False


def load_csv(connection: Connection, path: Path, reading: Reading | None = None) -> Load:
    """Copy the file into a staging table of its own and record it in ``loads``.

    A file whose bytes were loaded before is not loaded again, unless ``reading.again`` is set.

    Raises:
        DataQualityError: naming the file and what was expected of it.
    """
    chosen = reading or Reading()
    source = examine(path)
    lock_loads(connection, f"load of {source.short_name}")
    connection.execute(statement("drop_staging_tables"))
    known = find_known(source)
    earlier = None if chosen.again else _earlier(connection, source, chosen, known)
    if earlier:
        advice = "nothing to do (`--again`, or *Load again* in the form, loads it all the same)"
        log.info("%s was loaded before, as load %s: %s", source.name, earlier.load_id, advice)
        return earlier
    file = open_file(source, chosen.options)
    load_id = _record(connection, file, chosen, known)
    filled = fill_staging(connection, load_id, file)
    if filled.rows == 0:
        raise DataQualityError(
            f"{source.name}: there are no rows below the header; nothing was loaded"
        )
    _finish(connection, load_id, filled, _number_format(connection, load_id, file, chosen.options))
    return Load(load_id, filled.rows)


def _number_format(
    connection: Connection, load_id: int, file: CustomerFile, options: FormatOptions
) -> NumberFormat:
    try:
        return find_number_format(connection, load_id, file.header, options)
    except DataQualityError as error:
        raise DataQualityError(f"{file.source.name}: {error}") from None


def _finish(connection: Connection, load_id: int, filled: Filled, numbers: NumberFormat) -> None:
    values = {
        "load_id": load_id,
        "rows": filled.rows,
        "careful": filled.slow_path,
        "decimal_mark": numbers.decimal,
        "thousands_mark": numbers.thousands,
        "unended": filled.unended or None,
    }
    run(connection, "update_load_rows", values)


def _earlier(
    connection: Connection, source: Source, reading: Reading, known: KnownFile
) -> Load | None:
    """Return the load of the same bytes, unless the stated day is now a later one."""
    day = reading.snapshot_date or known.snapshot_date or day_in(source)
    values = {"sha256": source.sha256, "stated_day": day}
    row = run(connection, "find_load", values).fetchone()
    return Load(int(str(row[0])), int(str(row[1])), repeats=True) if row else None


def _record(connection: Connection, file: CustomerFile, reading: Reading, known: KnownFile) -> int:
    day, dated_by = _snapshot_date(file, reading, known)
    values = {
        "file": file.source.name,
        "sha256": file.source.sha256,
        "bytes": file.source.size,
        "compression": file.source.compression.value,
        "encoding": file.dialect.encoding,
        "delimiter": file.dialect.delimiter,
        "headers": list(file.dialect.headers),
        "extra_columns": list(file.header.extra),
        "snapshot_date": day,
        "snapshot_told_by": dated_by,
        "is_sample": known.is_sample,
    }
    return int(str(scalar(connection, statement("insert_load", **placeholders(values)), values)))


def _snapshot_date(file: CustomerFile, reading: Reading, known: KnownFile) -> tuple[date, str]:
    """Return the file's snapshot date, and where it comes from.

    Raises:
        DataQualityError: it is in the future, or set by hand where each row has its own.
    """
    today, source = datetime.now(UTC).date(), file.source
    if SNAPSHOT_DATE in file.header.fields:
        if reading.snapshot_date:
            raise DataQualityError(
                f"{source.name}: has a column {SNAPSHOT_DATE.header}, so its day cannot be set by "
                "hand; leave the snapshot date empty, or the column out"
            )
        return today, DATED_BY_COLUMN
    day, dated_by = reading.snapshot_date, "set by hand"
    if day is None:
        day, dated_by = known.snapshot_date, f"the list {LISTED_IN}"
    if day is None:
        day, dated_by = day_in(source), "the file's name"
    if day is None:
        return today, "the day of the load"
    if day > today + timedelta(days=1):  # it is tomorrow in some time zone
        raise DataQualityError(
            f"{source.name}: its day, {day} ({dated_by}), is in the future, and would keep every "
            "file until then from changing anything; set the snapshot date by hand"
        )
    return day, dated_by


def day_in(source: Source) -> date | None:
    """Return the day in a file's name, if there is one.

    Raises:
        DataQualityError: there are several.
    """
    found = {day for match in _DAY.finditer(source.path.name) if (day := _date(match))}
    if len(found) > 1:
        days = " and ".join(map(str, sorted(found)))
        raise DataQualityError(
            f"{source.name}: the name has {days}; set the snapshot date by hand, or rename it"
        )
    return found.pop() if found else None


def _date(match: re.Match[str]) -> date | None:
    try:
        return date(*(int(match[part]) for part in ("year", "month", "day")))
    except ValueError:
        return None
