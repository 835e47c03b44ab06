"""Files made of valid and of spoilt rows: every row is accounted for, whatever was done to it."""

import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from churn.core.errors import DataQualityError
from churn.warehouse.cleaning.load_report import LoadReport
from churn.warehouse.connect import Connection
from tests.customer_file import read_rows
from tests.loading import bring_in, counted, csv_text, everything, judged, number, value

HEADER, *VALID = csv_text(read_rows()[:40], newline="\n").encode().splitlines()

_places = st.integers(0, 400)
_odd_bytes = st.sampled_from(
    [b'"', b"\0", b"\n", b"\r", b",", b"\xe9", b"\xff", b"\\.", b";", b" "]
)
_cells = st.sampled_from(
    ["", " ", "x", "-1", "Yes", "No", "1e5", "99999999999", "NaN", '"a\nb"', '"a,b"', "\ufeff", "é"]
)


def _put(line: bytes, place: int, odd: bytes) -> bytes:
    place %= len(line) + 1
    return line[:place] + odd + line[place:]


def _with_cell(line: bytes, place: int, cell: str) -> bytes:
    cells = line.split(b",")
    cells[place % len(cells)] = cell.encode()
    return b",".join(cells)


_valid = st.sampled_from(VALID)
_spoilt = st.one_of(
    st.builds(_put, _valid, _places, _odd_bytes),
    st.builds(_put, _valid, _places, st.binary(max_size=3)),
    st.builds(_with_cell, _valid, _places, _cells),
    st.builds(lambda line, place: line[:place], _valid, _places),
    st.binary(max_size=20),
)
_ends = st.sampled_from([b"\n", b"\r\n", b"\r"])


@st.composite
def _files(draw: st.DrawFn) -> bytes:
    """Draw a file: some valid lines, a few spoilt ones anywhere among them."""
    lines = draw(st.lists(_valid, max_size=30, unique=draw(st.booleans())))
    for spoilt in draw(st.lists(_spoilt, max_size=4)):
        lines.insert(draw(st.integers(0, len(lines))), spoilt)
    end = draw(_ends)
    return end.join([HEADER, *lines]) + draw(st.sampled_from([b"", end, end * 3]))


def _lines(content: bytes, encoding: str) -> int:
    """Count the lines below the header that have any text, without the product's own code."""
    _, *lines = re.split(rb"\r\n|\n|\r", content)
    return sum(bool(line.decode(encoding, errors="backslashreplace").strip()) for line in lines)


def _lines_rejected(connection: Connection, load_id: int) -> int:
    query = "SELECT raw FROM rejected_rows WHERE load_id = %s"
    texts = (str(raw) for (raw,) in connection.execute(query, (load_id,)).fetchall())
    return sum(bool(line.strip()) for raw in texts for line in re.split(r"\r\n|\n|\r", raw))


def _tried(url: str, path: Path, limit: float) -> LoadReport | None:
    with suppress(DataQualityError):
        return bring_in(url, path, again=True, limit_rejected=limit)
    return None


_STATE = "SELECT customers.*, xmin::text FROM customers ORDER BY customer_id"
_in_one_database = settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.mark.slow
@_in_one_database
@given(content=_files(), limit=st.sampled_from([0.05, 0.3, 1.0]))
def test_every_row_of_any_file_is_accepted_or_rejected_and_a_refusal_changes_nothing(
    url: str, connection: Connection, tmp_path: Path, content: bytes, limit: float
) -> None:
    if not number(connection, "SELECT count(*) FROM customers"):
        first = tmp_path / "first.csv"
        first.write_bytes(b"\n".join([HEADER, *VALID[:20]]))
        bring_in(url, first)
    path = tmp_path / "customers.csv"
    path.write_bytes(content)
    before = everything(connection, _STATE)
    report = _tried(url, path, limit)
    if report is None or judged(report).verdict.value == "stop":
        assert everything(connection, _STATE) == before
    if report is None:
        return
    accepted, rejected = counted(report)
    assert accepted + rejected == report.rows
    assert rejected == number(
        connection,
        f"SELECT count(*) FROM rejected_rows WHERE load_id = {report.load_id}",  # noqa: S608
    )
    encoding = value(connection, "SELECT encoding FROM loads ORDER BY load_id DESC LIMIT 1")
    lines = accepted + _lines_rejected(connection, report.load_id)
    assert lines == _lines(content, str(encoding))
