"""Lines that are no rows: only they are rejected, with line number, raw text and reasons."""

import pytest

from churn.warehouse.connect import Connection
from churn.warehouse.loading.dialect import FormatOptions
from tests.customer_file import read_rows
from tests.loading import (
    Row,
    Write,
    bring_in,
    counted,
    csv_text,
    everything,
    many_lines,
    number,
    rejected,
)

ROWS = read_rows()[:100]
LINES = csv_text(ROWS).encode().splitlines()


def _with(line: int, content: bytes) -> bytes:
    """Put another text where a line of the file is, counted from 1."""
    return b"\r\n".join([*LINES[: line - 1], content, *LINES[line:]]) + b"\r\n"


OPEN_QUOTE = "a quote is not closed where the cell ends"
BROKEN = {
    "cells missing": (LINES[8][:30], "cells where the header has 21"),
    "a cell too many": (LINES[8] + b",1", "has 22 cells where the header has 21"),
    "one word": (b"Total", "has 1 cells where the header has 21"),
    "an open quote at the start": (b'"' + LINES[8], "a quote is not closed where the cell ends"),
    "an open quote in the last cell": (
        LINES[8][:-2] + b'"No',
        "a quote is not closed where the cell ends",
    ),
    "a NUL byte": (LINES[8].replace(b"Yes", b"Y\0s", 1), "has a NUL byte"),
    "many NUL bytes": (b"\0" * 5_000, "has a NUL byte"),
    "the end of data for COPY": (rb"\.", "has 1 cells where the header has 21"),
    "a cell of 200,000 letters": (b"x" * 200_000, "cells where the header has 21"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_only_the_broken_line_is_rejected_with_its_number_text_and_reason(
    url: str, connection: Connection, write: Write, name: str
) -> None:
    content, reason = BROKEN[name]
    report = bring_in(url, write(_with(9, content)))
    assert counted(report) == (99, 1), report
    ((line, raw, reasons),) = rejected(connection)
    assert (line, raw) == (9, content.decode().replace("\0", "\\x00"))
    assert len(reasons) == 1
    assert reason in reasons[0]
    assert everything(connection, "SELECT careful FROM loads") == [(True,)]


def test_bytes_that_are_not_utf_8_reject_only_their_line(
    url: str, connection: Connection, write: Write
) -> None:
    path = write(_with(9, LINES[8].replace(b"Yes", b"Y\xe9s", 1)))
    assert counted(bring_in(url, path, asked=FormatOptions(encoding="utf-8"))) == (99, 1)
    ((line, raw, reasons),) = rejected(connection)
    assert (line, reasons) == (9, ["is not utf-8"])
    assert r"Y\xe9s" in raw


def test_bytes_that_cp1252_has_not_reject_only_their_line(
    url: str, connection: Connection, write: Write
) -> None:
    path = write(_with(9, LINES[8].replace(b"Yes", b"Y\x81s", 1)))
    assert counted(bring_in(url, path, asked=FormatOptions(encoding="cp1252"))) == (99, 1)
    assert [(line, why) for line, _, why in rejected(connection)] == [(9, ["is not cp1252"])]


def test_a_bad_byte_far_down_a_large_file_rejects_only_its_line(
    url: str, connection: Connection, write: Write
) -> None:
    content = many_lines(20_000).replace(b"C0015000,", b"C00\xe95000,")
    assert counted(bring_in(url, write(content))) == (19_999, 1)
    assert [line for line, _, _ in rejected(connection)] == [15_002]


def test_a_bad_byte_behind_a_utf_8_mark_rejects_only_its_line(url: str, write: Write) -> None:
    content = b"\xef\xbb\xbf" + _with(9, LINES[8].replace(b"Yes", b"Y\xe9s", 1))
    assert counted(bring_in(url, write(content))) == (99, 1)


def test_a_bad_byte_among_utf_8_accents_does_not_mangle_the_others(
    url: str, connection: Connection, write: Write
) -> None:
    content = _with(9, LINES[8].replace(b"Yes", b"Y\xe9s", 1))
    for i in (20, 30, 40):
        content = content.replace(ROWS[i]["customerID"].encode(), f"São-{i}".encode())
    bring_in(url, write(content))
    assert number(connection, "SELECT count(*) FROM customers WHERE customer_id ~ '^São-'") == 3


def test_a_lone_surrogate_in_utf_16_rejects_its_line(
    url: str, connection: Connection, write: Write
) -> None:
    text = csv_text(ROWS).replace(ROWS[7]["customerID"], "X@X")
    content = b"\xff\xfe" + text.encode("utf-16-le").replace(b"@\0", b"\x00\xd8")
    assert counted(bring_in(url, write(content))) == (99, 1)
    assert [line for line, _, _ in rejected(connection)] == [9]


def test_a_file_that_ends_in_the_middle_of_a_row_loses_only_that_row(
    url: str, connection: Connection, write: Write
) -> None:
    content = b"\n".join(LINES)
    assert counted(bring_in(url, write(content[:-20]))) == (99, 1)
    assert [line for line, _, _ in rejected(connection)] == [101]


def test_utf_16_that_ends_in_the_middle_of_a_letter_loses_only_that_row(
    url: str, connection: Connection, write: Write
) -> None:
    content = b"\n".join(LINES).decode().encode("utf-16")
    assert counted(bring_in(url, write(content[:-1]))) == (99, 1)
    assert [line for line, _, _ in rejected(connection)] == [101]


def test_newlines_inside_a_cell_keep_the_line_numbers_right(
    url: str, connection: Connection, write: Write
) -> None:
    rows: list[Row] = [
        {**row, "note": "one\ntwo\r\nthree" if i < 10 else ""} for i, row in enumerate(ROWS)
    ]
    rows[12] = {**rows[12], "tenure": "x"}
    assert counted(bring_in(url, write(csv_text(rows)))) == (99, 1)
    assert [line for line, _, _ in rejected(connection)] == [34]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"], ids=["Unix", "Windows", "old Mac"])
def test_a_row_that_breaks_a_rule_has_the_line_it_stands_on(
    url: str, connection: Connection, write: Write, newline: str
) -> None:
    rows = [
        {**row, "tenure": "x" if i in (0, 50, 99) else row["tenure"]} for i, row in enumerate(ROWS)
    ]
    bring_in(url, write(csv_text(rows, newline=newline)))
    assert [line for line, _, _ in rejected(connection)] == [2, 52, 101]
    assert everything(connection, "SELECT careful FROM loads") == [(False,)]


def test_blank_lines_count_as_lines_and_not_as_rows(
    url: str, connection: Connection, write: Write
) -> None:
    content = _with(9, b"\r\n   \r\n" + LINES[8].replace(b"Yes", b"?", 1))
    assert counted(bring_in(url, write(content))) == (99, 1)
    assert [line for line, _, _ in rejected(connection)] == [11]


def test_many_kinds_of_broken_lines_are_all_reported(
    url: str, connection: Connection, write: Write
) -> None:
    content = b"\n".join([*LINES, b"a,b", b"c" + LINES[5] + b",,", b"\0", b'"open'])
    assert counted(bring_in(url, write(content))) == (100, 4)
    assert [(line, len(why)) for line, _, why in rejected(connection)] == [
        (102, 1),
        (103, 1),
        (104, 1),
        (105, 1),
    ]


def test_good_lines_between_two_open_quotes_are_accepted(url: str, write: Write) -> None:
    lines = [*LINES]
    lines[20], lines[24] = b'"' + lines[20], lines[24] + b'"'
    assert counted(bring_in(url, write(b"\n".join(lines)))) == (98, 2)


def test_the_gate_does_not_take_a_broken_line_for_a_column(url: str, write: Write) -> None:
    judgement = bring_in(url, write(_with(9, b"a,b"))).judgement
    assert judgement
    assert not any("values" in reason for reason in judgement.reasons)
