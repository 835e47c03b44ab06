"""How files are written: each way of writing the same customers is read alike."""

import gzip
from collections.abc import Callable
from decimal import Decimal

import pytest

from churn.core.errors import DataQualityError
from churn.customer.description import COLUMNS
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
    rejected,
    require_same,
    value,
)

ROWS = read_rows()[:60]
PLAIN = csv_text(ROWS)


def _with_comma(row: Row) -> Row:
    """Write the amounts as in Brazil: 1.234,50."""
    written = {}
    for name in ("MonthlyCharges", "TotalCharges"):
        text = row[name].strip()
        grouped = f"{Decimal(text):,}" if text else row[name]
        written[name] = grouped.translate(str.maketrans(",.", ".,"))
    return {**row, **written}


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"], ids=["comma", "semicolon", "tab", "bar"])
def test_each_separator_is_detected_and_recorded(
    url: str, connection: Connection, write: Write, mark: str
) -> None:
    require_same(url, write, ROWS, csv_text(ROWS, delimiter=mark) + " ", "other.csv")
    assert value(connection, "SELECT delimiter FROM loads ORDER BY load_id DESC LIMIT 1") == mark


@pytest.mark.parametrize(
    "transform",
    [
        lambda rows: [dict(reversed(row.items())) for row in rows],
        lambda rows: [{f.name: row[f.header] for f in COLUMNS} for row in rows],
        lambda rows: [{f.header.upper(): row[f.header] for f in COLUMNS} for row in rows],
        lambda rows: [{"region": "North", **row, "note": 'a "b", c'} for row in rows],
        lambda rows: [{k: f"  {v.upper()} " for k, v in row.items()} for row in rows],
        lambda rows: [{**row, "note": "two\nlines"} for row in rows],
    ],
    ids=["other order", "snake_case", "upper case", "extra columns", "loud", "quoted newlines"],
)
def test_other_layouts_of_the_same_customers_are_read_alike(
    url: str, write: Write, transform: Callable[[list[Row]], list[Row]]
) -> None:
    require_same(url, write, ROWS, csv_text(transform(ROWS)), "other.csv")


def test_cells_in_quotes_are_read_like_bare_ones(url: str, write: Write) -> None:
    lines = (",".join(f'"{cell}"' for cell in line.split(",")) for line in PLAIN.splitlines())
    require_same(url, write, ROWS, "\n".join(lines), "other.csv")


LINE_ENDS = {
    "Unix": PLAIN.replace("\r\n", "\n"),
    "old Mac": PLAIN.replace("\r\n", "\r"),
    "mixed": PLAIN.replace("\r\n", "\n", 20).replace("\r\n", "\r", 3),
    "none at the end": PLAIN.rstrip(),
    "blank lines at the end": PLAIN + "\r\n\r\n  \r\n",
    "blank lines in the middle": PLAIN.replace("\r\n", "\r\n\r\n"),
}


@pytest.mark.parametrize("name", LINE_ENDS)
def test_every_line_end_is_read(url: str, write: Write, name: str) -> None:
    require_same(url, write, ROWS, LINE_ENDS[name], "other.csv")


ACCENTED = csv_text([{"cidade": "São João \N{EN DASH} Açaí", **row} for row in ROWS])
ENCODINGS = {
    "utf-8": (ACCENTED.encode(), "utf-8"),
    "utf-8 with a mark": (ACCENTED.encode("utf-8-sig"), "utf-8"),
    "utf-16 LE with a mark": (b"\xff\xfe" + ACCENTED.encode("utf-16-le"), "utf-16"),
    "utf-16 BE with a mark": (b"\xfe\xff" + ACCENTED.encode("utf-16-be"), "utf-16"),
    "utf-16 LE": (ACCENTED.encode("utf-16-le"), "utf-16-le"),
    "utf-16 BE": (ACCENTED.encode("utf-16-be"), "utf-16-be"),
    "cp1252": (ACCENTED.encode("cp1252"), "cp1252"),
    "latin-1": (
        ACCENTED.replace("\N{EN DASH}", "-").encode("latin-1"),
        "cp1252",
    ),  # the same, but for C1
}


@pytest.mark.parametrize("name", ENCODINGS)
def test_each_encoding_is_detected_and_recorded(
    url: str, connection: Connection, write: Write, name: str
) -> None:
    content, encoding = ENCODINGS[name]
    require_same(url, write, ROWS, content, "other.csv")
    assert value(connection, "SELECT encoding FROM loads WHERE load_id = 2") == encoding


@pytest.mark.parametrize(
    "codec", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "latin-1"]
)
def test_letters_with_accents_arrive_as_they_were_meant(
    url: str, connection: Connection, write: Write, codec: str
) -> None:
    bring_in(url, write(PLAIN.replace(ROWS[3]["customerID"], "Conceição-3").encode(codec)))
    found = everything(connection, "SELECT FROM customers WHERE customer_id = 'Conceição-3'")
    assert len(found) == 1


@pytest.mark.parametrize("mark", [";", ","], ids=["semicolon", "quoted in commas"])
def test_a_decimal_comma_with_dots_for_thousands_is_detected(
    url: str, connection: Connection, write: Write, mark: str
) -> None:
    rows = [_with_comma(row) for row in ROWS]
    assert any("." in row["TotalCharges"] for row in rows)
    bring_in(url, write(PLAIN, "plain.csv"))
    report = bring_in(url, write(csv_text(rows, delimiter=mark), "other.csv"))
    assert counted(report) == (len(ROWS), 0), report
    assert report.counts.updated == 0, report
    assert value(connection, "SELECT decimal_mark FROM loads WHERE load_id = 2") == ","


def test_a_dot_before_three_digits_is_for_thousands_where_the_comma_is_decimal(
    url: str, connection: Connection, write: Write
) -> None:
    rows = [_with_comma(row) for row in ROWS]
    rows[5] = {**rows[5], "TotalCharges": "1.234"}
    bring_in(url, write(csv_text(rows, delimiter=";")))
    query = "SELECT total_charges FROM customers WHERE customer_id = '{}'"
    assert value(connection, query.format(rows[5]["customerID"])) == 1234


def test_a_decimal_dot_is_refused_where_the_comma_is_decimal(
    url: str, connection: Connection, write: Write
) -> None:
    rows = [_with_comma(row) for row in ROWS]
    rows[5] = {**rows[5], "TotalCharges": "29.85"}
    bring_in(url, write(csv_text(rows, delimiter=";")))
    assert [line for line, _, _ in rejected(connection)] == [7]


def test_a_grouped_amount_is_not_taken_for_another_known_one(
    url: str, connection: Connection, write: Write
) -> None:
    rows = [_with_comma(row) for row in ROWS]
    rows[5] = {**rows[5], "TotalCharges": "2985"}
    bring_in(url, write(csv_text(rows, delimiter=";"), "first.csv"))
    rows[5] = {**rows[5], "TotalCharges": "29.85"}
    assert counted(bring_in(url, write(csv_text(rows, delimiter=";")))) == (59, 1)
    assert [line for line, _, _ in rejected(connection)] == [7]


@pytest.mark.parametrize("decimal", [".", ","])
def test_a_bad_amount_is_rejected_where_the_known_one_is_unknown(
    url: str, write: Write, decimal: str
) -> None:
    without = [{k: v for k, v in row.items() if k != "TotalCharges"} for row in ROWS]
    bring_in(url, write(csv_text(without), "first.csv"))
    rows = [{**row, "MonthlyCharges": "50", "TotalCharges": "70"} for row in ROWS]
    rows[5] = {**rows[5], "MonthlyCharges": ROWS[5]["MonthlyCharges"], "TotalCharges": "a lot"}
    path = write(csv_text(rows, delimiter=";"))
    report = bring_in(url, path, asked=FormatOptions(decimal=decimal), limit_rejected=1)
    assert counted(report) == ((59, 1))


QUOTED = ['AB"12"C', 'foo "bar" baz', 'foo "bar"', '5" x 3" y', 'a " b " c', 'ab""c', '7"']


@pytest.mark.parametrize("torn", [False, True], ids=["fast", "line by line"])
@pytest.mark.parametrize("name", QUOTED)
def test_quotes_within_a_bare_cell_are_part_of_it(
    url: str, connection: Connection, write: Write, name: str, torn: bool
) -> None:
    text = PLAIN.replace(ROWS[3]["customerID"], name)
    bring_in(url, write(text + ("torn\r\n" if torn else "")))
    query = f"SELECT FROM customers WHERE customer_id = '{name}'"
    assert len(everything(connection, query)) == 1


@pytest.mark.parametrize("cell", ['"abc" ', '""abc""', ' "abc"', '"a""b"', '"a,b"', '""', '","'])
def test_a_cell_is_read_alike_whether_or_not_another_line_is_truncated(
    url: str, connection: Connection, write: Write, cell: str
) -> None:
    text = PLAIN.replace(ROWS[3]["customerID"], cell)
    bring_in(url, write(text, "a.csv"), limit_rejected=1)
    names = "SELECT customer_id FROM customers ORDER BY customer_id"
    found = everything(connection, names)
    connection.execute("TRUNCATE customers")
    bring_in(url, write(text + "torn\r\n", "b.csv"), limit_rejected=1)
    assert everything(connection, names) == found


def test_cells_in_quotes_take_the_fast_path(url: str, connection: Connection, write: Write) -> None:
    rows = [{**row, "city": 'Rio, "RJ"' if i % 2 else "Rio, RJ"} for i, row in enumerate(ROWS)]
    bring_in(url, write(csv_text(rows)))
    assert value(connection, "SELECT careful FROM loads") is False


@pytest.mark.parametrize("mark", [";", ","], ids=["semicolon", "quoted in commas"])
def test_amounts_that_may_be_thousands_or_fractions_are_refused_with_the_option_to_give(
    url: str, write: Write, mark: str
) -> None:
    rows = [{**row, "MonthlyCharges": "50", "TotalCharges": "5,695"} for row in ROWS]
    path = write(csv_text(rows, delimiter=mark))
    with pytest.raises(DataQualityError, match="the file does not show which"):
        bring_in(url, path)
    assert counted(bring_in(url, path, asked=FormatOptions(decimal=",")))[0] > 50


def test_rows_without_any_value_are_counted_on_both_ways(url: str, write: Write) -> None:
    text = csv_text(ROWS, delimiter="\t") + ("\t" * 20 + "\r\n") * 5
    fast = bring_in(url, write(text, "a.csv"), limit_rejected=1)
    careful = bring_in(url, write(text + "torn\r\n\u00a0\r\n", "b.csv"), limit_rejected=1)
    assert counted(fast) == (len(ROWS), 5)
    assert counted(careful) == (len(ROWS), 7)


def test_a_blank_total_after_the_first_month_is_rejected_with_a_decimal_comma_too(
    url: str, write: Write
) -> None:
    rows = [_with_comma(row) for row in ROWS]
    rows[5] = {**rows[5], "tenure": "9", "TotalCharges": "0"}
    bring_in(url, write(csv_text(rows, delimiter=";"), "a.csv"))
    rows[5] = {**rows[5], "TotalCharges": " "}
    assert counted(bring_in(url, write(csv_text(rows, delimiter=";"), "b.csv"))) == (59, 1)


def test_utf_16_without_a_mark_may_be_set_by_hand(url: str, write: Write) -> None:
    for i, codec in enumerate(("utf-16-le", "utf-16-be")):
        path = write(PLAIN.encode(codec), f"{i}.csv")
        assert counted(bring_in(url, path, asked=FormatOptions(encoding="utf-16"))) == (
            len(ROWS),
            0,
        )
    with pytest.raises(DataQualityError, match="not UTF-16; by its bytes it is utf-8"):
        bring_in(url, write(PLAIN.encode(), "plain.csv"), asked=FormatOptions(encoding="utf-16"))


@pytest.mark.parametrize("end", ["", "\r\n\r\n\r\n", "\n", "\r\n" * 1_000_000])
def test_blank_lines_at_the_end_need_no_careful_reading(
    url: str, connection: Connection, write: Write, end: str
) -> None:
    assert counted(bring_in(url, write(PLAIN.rstrip() + end))) == (len(ROWS), 0)
    assert value(connection, "SELECT careful FROM loads") is False


def test_an_encoding_set_by_hand_is_taken(url: str, connection: Connection, write: Write) -> None:
    path = write(PLAIN.replace(ROWS[3]["customerID"], "Jos\xe9-3").encode("latin-1"))
    bring_in(url, path, asked=FormatOptions(encoding="latin-1"))
    assert value(connection, "SELECT encoding FROM loads") == "latin-1"
    assert everything(connection, "SELECT FROM customers WHERE customer_id = 'José-3'")


def test_utf_16_set_by_hand_is_taken(url: str, write: Write) -> None:
    report = bring_in(url, write(PLAIN.encode("utf-16")), asked=FormatOptions(encoding="utf-16"))
    assert counted(report) == (len(ROWS), 0)


def test_a_separator_set_by_hand_is_taken_even_if_it_is_wrong(url: str, write: Write) -> None:
    with pytest.raises(DataQualityError, match="the header lacks customerID"):
        bring_in(url, write(PLAIN), asked=FormatOptions(delimiter=";"))


def test_a_decimal_mark_set_by_hand_is_taken(
    url: str, connection: Connection, write: Write
) -> None:
    rows = [{**row, "MonthlyCharges": "50", "TotalCharges": "70"} for row in ROWS]
    rows[5] = {**rows[5], "MonthlyCharges": "50,5"}
    path = write(csv_text(rows, delimiter=";"))
    assert counted(bring_in(url, path, asked=FormatOptions(decimal="."))) == (59, 1)
    assert counted(bring_in(url, path, asked=FormatOptions(decimal=","), again=True)) == (60, 0)
    assert everything(connection, "SELECT decimal_mark FROM loads") == [(".",), (",",)]


def test_what_was_detected_is_in_the_report(url: str, write: Write) -> None:
    packed = gzip.compress(csv_text(ROWS, delimiter=";").encode("utf-16"))
    written = bring_in(url, write(packed)).written
    assert written == "utf-16, separator semicolon, decimal dot, thousands comma, gzip"
