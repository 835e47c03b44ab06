"""A quoted cell is data, whatever it holds: none of its lines becomes a customer."""

import pytest

from churn.core.errors import DataQualityError
from churn.warehouse.connect import Connection
from churn.warehouse.loading.dialect import FormatOptions
from tests.customer_file import read_rows
from tests.loading import Write, bring_in, counted, csv_text, everything, number, rejected

ROWS = read_rows()[:100]
LINES = csv_text(ROWS, newline="\n").encode().splitlines()
INVENTED = LINES[1].replace(ROWS[0]["customerID"].encode(), b"INVENTED-1")
IS_INVENTED = "SELECT count(*) FROM customers WHERE customer_id ~ 'INVENTED'"
PROSE = [b"called on Monday, was angry", b"", b'said ""never again"" twice']


def _with_note(note: bytes, *, closed: bool = True, last: bool = False) -> bytes:
    """Return the rows with a further column, in which one row has a quoted cell."""
    lines = [b"note," + LINES[0], *[b"," + line for line in LINES[1:]]]
    end = b'"' if closed else b""
    if last:
        lines = [LINES[0] + b",note", *[line + b"," for line in LINES[1:]]]
        lines[50] = LINES[50] + b',"' + note + end
    else:
        lines[50] = b'"' + note + (b'",' + LINES[50] if closed else b"")
    return b"\n".join(lines[: None if closed else 51]) + b"\n"


@pytest.mark.parametrize("count", [1, 19, 20, 21, 25, 400])
@pytest.mark.parametrize("last", [False, True], ids=["first", "last"])
def test_rows_within_a_quoted_cell_are_no_customers(
    url: str, connection: Connection, write: Write, count: int, last: bool
) -> None:
    inside = b"," + INVENTED if not last else INVENTED + b","
    for i, note in enumerate(
        [b"\n".join([*PROSE * count, inside, *PROSE]), b"\n".join([inside] * count)]
    ):
        report = bring_in(url, write(_with_note(b"\n" + note + b"\n", last=last), f"{i}.csv"))
        assert counted(report) == (100, 0), report
    assert number(connection, IS_INVENTED) == 0


def test_the_row_below_a_long_quoted_cell_has_the_line_it_stands_on(
    url: str, connection: Connection, write: Write
) -> None:
    content = _with_note(b"\n".join(PROSE * 30))
    content = content.replace(LINES[60], LINES[60].replace(b"Yes", b"Maybe", 1))
    bring_in(url, write(content))
    assert [line for line, *_ in rejected(connection)] == [61 + 89]


def test_no_line_of_a_row_with_cells_missing_is_a_customer(
    url: str, connection: Connection, write: Write
) -> None:
    note = b"one\n" + b"\n".join([b"," + INVENTED] * 25) + b"\ntwo"
    content = _with_note(note).replace(b'\ntwo",' + LINES[50], b'\ntwo",' + LINES[50][:-3])
    report = bring_in(url, write(content), limit_rejected=1)
    assert number(connection, IS_INVENTED) == 0
    assert report.counts.accepted == 99
    first, *others = rejected(connection)
    assert first[2] == ["has 21 cells where the header has 22"]
    assert [line for line, *_ in others] == list(range(52, 52 + 26))


def test_no_line_of_a_quoted_cell_with_a_bad_byte_is_a_customer(
    url: str, connection: Connection, write: Write
) -> None:
    note = b"one\n," + INVENTED + b"\nS\xffo\n" + b"\n".join([b"," + INVENTED] * 25)
    path = write(_with_note(note))
    report = bring_in(url, path, asked=FormatOptions(encoding="utf-8"), limit_rejected=1)
    assert number(connection, IS_INVENTED) == 0
    assert report.counts.accepted == 99


def test_no_line_of_a_quoted_cell_that_the_file_is_cut_in_is_a_customer(
    url: str, connection: Connection, write: Write
) -> None:
    note = b"\n".join([*PROSE * 9, b"," + INVENTED, *PROSE, b"and th"])
    report = bring_in(url, write(_with_note(note, closed=False)), limit_rejected=1)
    assert number(connection, IS_INVENTED) == 0
    assert report.counts.accepted == 49
    assert report.counts.rejected == 27 + 1 + 3 + 1 - 10  # blank lines are no rows


@pytest.mark.parametrize("bad", [b'"', LINES[7][:20] + b',"', b'x,"y'])
def test_an_open_quote_by_mistake_costs_only_its_line(
    url: str, connection: Connection, write: Write, bad: bytes
) -> None:
    lines = [*LINES[:10], bad, *LINES[10:-1], LINES[-1][:30]]
    report = bring_in(url, write(b"\n".join(lines)), limit_rejected=1)
    assert counted(report) == (99, 2), report
    assert [line for line, *_ in rejected(connection)] == [11, 102]


@pytest.mark.slow
def test_a_quoted_cell_of_more_than_a_megabyte_is_refused_by_its_line(
    url: str, connection: Connection, write: Write
) -> None:
    inside = b"\n".join([*PROSE * 2, b"," + INVENTED])
    path = write(_with_note(b"\n" + (inside + b"\n") * 6_000))
    with pytest.raises(DataQualityError, match="open on line 51 is longer than 1 MB"):
        bring_in(url, path)
    with pytest.raises(DataQualityError, match="open on line 51 is longer than 1 MB"):
        bring_in(url, write(_with_note(b"\n" * 3_000_000)))
    assert everything(connection, "SELECT FROM customers") == []
