"""Rejected rows, as a CSV that can be repaired and loaded again."""

import csv
import io
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from typing import Final, TextIO, cast

from churn.core.errors import WarehouseError
from churn.warehouse.cleaning.rules import REPEATED
from churn.warehouse.connect import Connection, placeholders, statement
from churn.warehouse.loading.load import TOLD_BY_COLUMN

REJECTED_BECAUSE: Final = "rejected_because"
"""The column of the reasons; loading leaves it out, and knows the file by it."""
_FETCHED: Final = 1_000


@dataclass(frozen=True)
class Rejected:
    """A rejected row: its line in the file, its text there, and the reasons."""

    line: int
    raw: str
    reasons: tuple[str, ...]

    @property
    def is_superseded(self) -> bool:
        """Whether the customer was accepted from another row, so that nothing is to be repaired."""
        return self.reasons == (REPEATED,)


@dataclass(frozen=True)
class RejectingLoad:
    """The load whose rejected rows are looked at. ``day`` is set where it was not the rows' own."""

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
    values: dict[str, object] = {"load_id": load_id, "told_by_column": TOLD_BY_COLUMN}
    query = statement("find_rejecting_load", **placeholders(values))
    row = connection.execute(query, values).fetchone()
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
    """Yield the rejected rows in the order of the file, however many there are."""
    values = {"load_id": load.load_id}
    query = statement("read_rejected", **placeholders(values))
    with closing(connection.cursor(name="rejected")) as cursor:
        cursor.itersize = _FETCHED
        for line, raw, reasons in cursor.execute(query, values):
            yield Rejected(cast(int, line), str(raw), tuple(map(str, cast(list[object], reasons))))


def write_rejected(connection: Connection, load: RejectingLoad, target: TextIO) -> int:
    """Write the rows that can be repaired under the header of their file; return how many.

    The reasons come first, so that a row with cells missing or too many still shows which. Rows
    whose customer was accepted from another row are left out: they would overwrite it.
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
    """Return a row's cells; of a line that is no row, its parts with the quotes as they stand."""
    try:
        rows = list(csv.reader(io.StringIO(raw, newline=""), delimiter=delimiter, strict=True))
    except csv.Error:
        rows = []
    return rows[0] if len(rows) == 1 else " ".join(raw.splitlines()).split(delimiter)
