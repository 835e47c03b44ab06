"""A file that does not end with a line end may be cut in its last number: that is a flag."""

import gzip

import pytest

from churn.warehouse.cleaning.gate import Verdict
from churn.warehouse.connect import Connection
from tests.customer_file import read_rows
from tests.loading import Row, Write, bring_in, counted, csv_text, judged, value

ROWS = read_rows()[:100]


def _amounts_last(rows: list[Row]) -> list[Row]:
    """Put the amount that a cut would shorten at the end of each row."""
    return [
        {**{k: v for k, v in row.items() if k != "TotalCharges"}}
        | {"TotalCharges": row["TotalCharges"]}
        for row in rows
    ]


TEXT = csv_text(_amounts_last(ROWS), newline="\n")
FLAG = "the file does not end with a line end, so it may be cut within line 101"


@pytest.mark.parametrize("codec", ["utf-8", "utf-16", "utf-16-be"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_an_amount_that_is_cut_is_flagged_by_line_and_column(
    url: str, write: Write, codec: str, pack: type[bytes]
) -> None:
    cut = TEXT.rstrip()[:-2]
    report = bring_in(url, write(pack(cut.encode(codec))))
    assert judged(report).verdict is Verdict.FLAG
    assert f"{FLAG}, in its column 'TotalCharges'" in judged(report).reasons
    assert f"{FLAG}, in its column 'TotalCharges'" in str(report)
    assert counted(report) == (100, 0)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\n\n", "\n  ", "\n\n \n"])
def test_a_file_that_ends_with_a_line_end_is_not_flagged(url: str, write: Write, end: str) -> None:
    text = TEXT.rstrip().replace("\n", "\r" if end == "\r" else "\n") + end
    assert not any("line end" in reason for reason in judged(bring_in(url, write(text))).reasons)


@pytest.mark.parametrize("line", ["torn", '"a quoted\ncell"'])
def test_the_line_is_right_on_the_slow_path(url: str, write: Write, line: str) -> None:
    rows = [{"note": "", **row} for row in _amounts_last(ROWS)]
    lines = csv_text(rows, newline="\n").splitlines()
    lines[3] = line if line == "torn" else line + lines[3]
    report = bring_in(url, write("\n".join(lines)), limit_rejected=1)
    number = 101 if line == "torn" else 102
    assert any(f"within line {number}" in one for one in judged(report).reasons), report


@pytest.mark.parametrize("quote", ["", '"'])
def test_the_last_cell_is_not_shown_as_it_may_be_an_id(url: str, write: Write, quote: str) -> None:
    rows = [{**row, "customerID": ""} for row in ROWS]
    ids_last = [{k: v for k, v in row.items() if k != "customerID"} for row in rows]
    lines = csv_text(ids_last, newline="\n").splitlines()
    text = "\n".join(
        [
            lines[0] + ",customerID",
            *(f"{one},{quote}secret-{i}{quote}" for i, one in enumerate(lines[1:])),
        ]
    )
    report = bring_in(url, write(text))
    (flag,) = judged(report).reasons
    assert "secret" not in str(report)
    assert flag == (FLAG if quote else f"{FLAG}, in its column 'customerID'")


def test_a_header_of_any_length_is_shown_cut_and_escaped(url: str, write: Write) -> None:
    rows = [{**row, "x\x1b[2J" * 900: "note"} for row in ROWS]
    reasons = judged(bring_in(url, write(csv_text(rows).rstrip()))).reasons
    assert all("\x1b" not in one and len(one) < 300 for one in reasons)


def test_the_shipped_file_passes(url: str, connection: Connection) -> None:
    from tests.customer_file import CHURN_CSV

    assert judged(bring_in(url, CHURN_CSV)).verdict is Verdict.PASS
    assert value(connection, "SELECT unended FROM loads") is None
