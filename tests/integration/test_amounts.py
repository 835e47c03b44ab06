"""Thousands marks: read where the file proves them, refused with a question where it does not."""

from decimal import Decimal

import pytest

from churn.core.errors import DataQualityError
from churn.warehouse.connect import Connection
from churn.warehouse.loading.dialect import FormatOptions
from tests.command import Churn
from tests.customer_file import CHURN_CSV, read_rows
from tests.loading import Row, Write, bring_in, counted, csv_text, everything, number, value

ROWS = read_rows()[:200]


def _grouped(row: Row, mark: str, decimal: str = ".", *, whole: bool = False) -> Row:
    """Write the amounts with a mark for thousands."""
    written = {}
    for name in ("MonthlyCharges", "TotalCharges"):
        text = row[name].strip()
        amount = Decimal(text or 0).quantize(Decimal(1)) if whole else Decimal(text or 0)
        grouped = f"{amount:,}".translate(str.maketrans(",.", mark + decimal))
        written[name] = grouped if text else row[name]
    return {**row, **written}


def _amounts(connection: Connection) -> list[tuple[object, ...]]:
    query = "SELECT customer_id, monthly_charges, total_charges FROM customers ORDER BY 1"
    return everything(connection, query)


MARKS = {
    "as in the US": (",", "."),
    "as in Germany": (".", ","),
    "as in Switzerland": ("'", "."),
    "with typographic apostrophes": ("\N{RIGHT SINGLE QUOTATION MARK}", "."),
    "as in France": ("\u202f", ","),
    "with no-break spaces": ("\u00a0", ","),
    "with blanks": (" ", "."),
}


@pytest.mark.parametrize("name", MARKS)
def test_thousands_marks_are_detected_and_recorded(
    url: str, connection: Connection, write: Write, name: str
) -> None:
    mark, decimal = MARKS[name]
    rows = [_grouped(row, mark, decimal) for row in ROWS]
    assert any(mark in row["TotalCharges"] for row in rows)
    bring_in(url, write(csv_text(ROWS), "plain.csv"))
    report = bring_in(url, write(csv_text(rows, delimiter=";"), "other.csv"))
    assert counted(report) == (len(ROWS), 0), report
    assert report.counts.updated == 0, report
    query = "SELECT decimal_mark, thousands_mark FROM loads ORDER BY load_id DESC LIMIT 1"
    mark = {"\u00a0": " ", "\u202f": " ", "\N{RIGHT SINGLE QUOTATION MARK}": "'"}.get(mark, mark)
    assert everything(connection, query) == [(decimal, mark)]


@pytest.mark.parametrize("mark", [".", ","])
@pytest.mark.parametrize("columns", ["both", "one"])
def test_whole_amounts_with_a_mark_are_refused_until_one_mark_is_set(
    url: str, connection: Connection, write: Write, mark: str, columns: str
) -> None:
    rows = [_grouped(row, mark, whole=True) for row in ROWS]
    if columns == "both":
        rows = [{**row, "MonthlyCharges": f"1{mark}{row['MonthlyCharges']:>03}"} for row in rows]
    path = write(csv_text(rows, delimiter=";"))
    with pytest.raises(DataQualityError, match="the file does not show which"):
        bring_in(url, path)
    assert number(connection, "SELECT count(*) FROM loads") == 0
    for asked, as_decimal in (
        (FormatOptions(thousands=mark), ""),
        (FormatOptions(decimal=mark), "."),
    ):
        loaded = bring_in(url, path, asked=asked, again=True, allow_change=True)
        assert counted(loaded) == (len(ROWS), 0)
        written = {row["customerID"]: row["TotalCharges"].replace(mark, as_decimal) for row in rows}
        for customer_id, _, total in _amounts(connection):
            assert total == Decimal(written[str(customer_id)].strip() or 0)


def test_an_unclear_amount_far_down_a_large_file_is_a_question_too(url: str, write: Write) -> None:
    whole = [_grouped(row, ".", whole=True) for row in ROWS]
    small = [row for row in whole if "." not in row["TotalCharges"]]
    copies = 25_000 // len(small) + 1
    rows = [
        {**row, "customerID": f"{i}-{row['customerID']}"} for i in range(copies) for row in small
    ]
    path = write(csv_text([*rows, *[row for row in whole if "." in row["TotalCharges"]]]))
    with pytest.raises(DataQualityError, match="the file does not show which"):
        bring_in(url, path)


def test_zeros_before_the_mark_are_no_group(url: str, connection: Connection, write: Write) -> None:
    rows = [{**row, "MonthlyCharges": "0.350"} for row in ROWS]
    assert counted(bring_in(url, write(csv_text(rows)))) == (len(ROWS), 0)
    assert value(connection, "SELECT DISTINCT monthly_charges FROM customers") == Decimal("0.35")


def test_the_shipped_file_is_no_question(url: str, connection: Connection) -> None:
    assert counted(bring_in(url, CHURN_CSV)) == (7_043, 0)
    query = "SELECT decimal_mark, thousands_mark FROM loads"
    assert everything(connection, query) == [(".", ",")]


@pytest.mark.parametrize("named", ["dot", "."])
def test_the_command_takes_marks_by_name_and_by_character(
    churn: Churn, write: Write, named: str
) -> None:
    rows = [_grouped(row, ".", whole=True) for row in ROWS]
    path = write(csv_text(rows, delimiter=";"))
    refused = churn("load", path)
    assert refused.returncode == 1
    assert "--thousands dot" in refused.stderr
    done = churn("load", path, "--thousands", named, "--separator", "semicolon")
    assert done.returncode == 0, done.stderr
    assert "separator semicolon, decimal comma, thousands dot" in done.stdout


def test_the_help_names_the_marks(churn: Churn) -> None:
    told = " ".join(churn("load", "--help").stdout.split())
    assert "--separator [comma|semicolon|tab|pipe]" in told
    assert "--thousands [comma|dot|apostrophe|space|none]" in told
    wrong = churn("load", "x.csv", "--separator", "\x1b[31m^")
    assert wrong.returncode == 2
    assert "is none of comma, semicolon, tab, pipe" in wrong.stderr
    assert "\x1b" not in wrong.stderr


@pytest.mark.parametrize("named", ["tab", "\t", r"\t", "TAB"])
def test_a_tab_may_be_named_in_each_way(churn: Churn, write: Write, named: str) -> None:
    path = write(csv_text(ROWS, delimiter="\t"))
    done = churn("load", path, "--separator", named)
    assert "separator tab" in done.stdout, done.stderr
