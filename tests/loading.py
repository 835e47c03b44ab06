"""Customer files made for a test, and what a load makes of them."""

import csv
import io
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Protocol

from churn.warehouse.cleaning.clean import clean as clean_load
from churn.warehouse.cleaning.gate import LIMIT_REJECTED, Judgement, Terms
from churn.warehouse.cleaning.load_report import LoadReport
from churn.warehouse.connect import Connection, connect
from churn.warehouse.loading.dialect import DETECT_FORMAT, FormatOptions
from churn.warehouse.loading.load import Load, Reading, load_csv
from tests.customer_file import CHURN_CSV

Row = dict[str, str]


class Write(Protocol):
    """Writes a customer file into the test's folder."""

    def __call__(self, content: str | bytes, name: str = "customers.csv") -> Path: ...


def csv_text(rows: Sequence[Row], *, delimiter: str = ",", newline: str = "\r\n") -> str:
    """Return the rows as a file, with a header."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter, lineterminator=newline)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def changed(rows: Sequence[Row], number: int, **changes: str) -> list[Row]:
    """Return the rows with one of them changed."""
    return [{**row, **changes} if i == number else row for i, row in enumerate(rows)]


def many_lines(count: int, *, charge: str = "50.5") -> bytes:
    """Return a file of any length, each customer with an id and the charge given."""
    header, *lines = CHURN_CSV.read_bytes().splitlines()
    tails = [line.split(b",", 1)[1].split(b",") for line in lines]
    for cells in tails:
        cells[17] = charge.encode()
    rows = [b",".join(cells) for cells in tails]
    made = (b"C%07d,%s" % (i, rows[i % len(rows)]) for i in range(count))
    return b"\n".join([header, *made]) + b"\n"


def load(
    url: str,
    path: Path,
    *,
    asked: FormatOptions = DETECT_FORMAT,
    day: date | None = None,
    again: bool = False,
) -> Load:
    """Load a file in a transaction of its own."""
    with connect(url) as connection:
        return load_csv(connection, path, Reading(asked, day, again=again))


def clean(url: str, load_id: int, terms: Terms | None = None) -> LoadReport:
    """Clean a load in a transaction of its own."""
    with connect(url) as connection:
        return clean_load(connection, load_id, terms)


def bring_in(  # noqa: PLR0913
    url: str,
    path: Path,
    *,
    asked: FormatOptions = DETECT_FORMAT,
    day: date | None = None,
    again: bool = False,
    replace: bool = False,
    limit_rejected: float = LIMIT_REJECTED,
    allow_change: bool = False,
) -> LoadReport:
    """Load and clean a file."""
    loaded = load(url, path, asked=asked, day=day, again=again)
    terms = Terms(replace=replace, limit_rejected=limit_rejected, allow_change=allow_change)
    return clean(url, loaded.load_id, terms)


def judged(report: LoadReport) -> Judgement:
    """Return the gate's judgement, which a cleaned load has."""
    assert report.judgement
    return report.judgement


def counted(report: LoadReport) -> tuple[int, int]:
    """Return how many rows were accepted and rejected."""
    return report.counts.accepted, report.counts.rejected


def require_same(
    url: str, write: Write, rows: Sequence[Row], content: str | bytes, name: str
) -> None:
    """Load the rows as they are, then as they are written here: nothing may change."""
    bring_in(url, write(csv_text(rows), "plain.csv"))
    report = bring_in(url, write(content, name))
    assert counted(report) == (len(rows), 0), report
    assert (report.counts.inserted, report.counts.updated) == (0, 0), report


def everything(connection: Connection, query: str) -> list[tuple[object, ...]]:
    """Return all rows."""
    return connection.execute(query).fetchall()


def value(connection: Connection, query: str) -> object:
    """Return the one value of the one row."""
    ((found,),) = everything(connection, query)
    return found


def number(connection: Connection, query: str) -> int:
    """Return the one number."""
    return int(str(value(connection, query)))


def rejected(connection: Connection) -> list[tuple[int, str, list[str]]]:
    """Return line, raw text and reasons of every rejected row."""
    query = "SELECT line, raw, reasons FROM rejected_rows ORDER BY load_id, line"
    found = everything(connection, query)
    return [(int(str(line)), str(raw), list(map(str, _list(why)))) for line, raw, why in found]


def _list(values: object) -> list[object]:
    assert isinstance(values, list)
    return values
