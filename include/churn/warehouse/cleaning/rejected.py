"""Rejected rows, as a CSV file to repair and load again."""

import csv
import io
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from typing import Final, TextIO, cast

from churn.core.errors import WarehouseError
from churn.warehouse.cleaning.row_rules import REPEATED
from churn.warehouse.connect import Connection, placeholders, run, statement
from churn.warehouse.loading.load import DATED_BY_COLUMN

REJECTED_BECAUSE: Final = "rejected_because"
"""The column of the reasons; loading ignores it and recognises repaired files by it."""
_FETCHED: Final = 1_000


@dataclass(frozen=True)
class Rejected:
    """A rejected row: its line in the file, its text there, and the reasons."""

    line: int
    raw: str
    reasons: tuple[str, ...]

    @property
    def is_superseded(self) -> bool:
        """Whether another row of the customer was accepted: nothing needs repair."""
        return self.reasons == (REPEATED,)


@dataclass(frozen=True)
class RejectingLoad:
    """A load with rejected rows. ``day`` is None if each row has its own snapshot date."""

    load_id: int
    file: str
    headers: tuple[str, ...]
    delimiter: str
    day: date | None
    rejected: int


def find_rejecting(connection: Connection, load_id: int | None = None) -> RejectingLoad:
    """Return a load; without its number the last one that rejected a row.

    Raises:
        WarehouseError: there is no such load.
    """
    values: dict[str, object] = {"load_id": load_id, "dated_by_column": DATED_BY_COLUMN}
    row = run(connection, "find_rejecting_load", values).fetchone()
    if row is None:
        what = f"load {load_id}" if load_id else "load with rejected rows"
        raise WarehouseError(f"there is no {what}")
    found, file, headers, delimiter, day, rejected = row
    return RejectingLoad(
        cast(int, found),
        str(file),
        tuple(map(str, cast(list[object], headers))),
        str(delimiter),
        cast(date | None, day),
        cast(int, rejected),
    )


def read_rejected(connection: Connection, load: RejectingLoad) -> Iterator[Rejected]:
    """Yield the rejected rows in the order of the file, in little memory."""
    values = {"load_id": load.load_id}
    query = statement("read_rejected", **placeholders(values))
    with closing(connection.cursor(name="rejected")) as cursor:
        cursor.itersize = _FETCHED
        for line, raw, reasons in cursor.execute(query, values):
            yield Rejected(cast(int, line), str(raw), tuple(map(str, cast(list[object], reasons))))


def write_rejected(connection: Connection, load: RejectingLoad, target: TextIO) -> int:
    """Write the rows that can be repaired under the header of their file; return how many.

    The reasons come first, so that they are in place in a row with too few or too many cells.
    Superseded rows are left out: they would overwrite the accepted ones.
    """
    writer = csv.writer(target, delimiter=load.delimiter, lineterminator="\n")
    writer.writerow([REJECTED_BECAUSE, *(h for h in load.headers if h != REJECTED_BECAUSE)])
    places = [i for i, header in enumerate(load.headers) if header == REJECTED_BECAUSE]
    written = 0
    for row in read_rejected(connection, load):
        if not row.is_superseded:
            cells = [c for i, c in enumerate(_cells(row.raw, load.delimiter)) if i not in places]
            writer.writerow(["; ".join(row.reasons), *cells])
            written += 1
    return written


def _cells(raw: str, delimiter: str) -> list[str]:
    """Return a row's cells; of a malformed line, its parts with their quotes."""
    try:
        rows = list(csv.reader(io.StringIO(raw, newline=""), delimiter=delimiter, strict=True))
    except csv.Error:
        rows = []
    return rows[0] if len(rows) == 1 else " ".join(raw.splitlines()).split(delimiter)
