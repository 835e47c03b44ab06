"""Rows that break a rule: where they go, and when they stop the whole load."""

import pytest

from churn.warehouse.connect import Connection
from tests.customer_file import read_rows
from tests.loading import (
    Row,
    Write,
    bring_in,
    changed,
    counted,
    csv_text,
    everything,
    judged,
    number,
    rejected,
)

ROWS = read_rows()[:60]


BAD_ROWS: list[tuple[Row, str]] = [
    ({"tenure": "-1"}, "tenure: expected a whole number from 0 to 1,200, got '-1'"),
    ({"tenure": "many"}, "tenure: expected a whole number from 0 to 1,200, got 'many'"),
    ({"tenure": "1e99"}, "tenure: expected a whole number"),
    ({"tenure": "2.5"}, "tenure: expected a whole number"),
    ({"tenure": "9" * 400}, "tenure: expected a whole number"),
    ({"tenure": "٣"}, "tenure: expected a whole number"),
    ({"tenure": ""}, "tenure: expected a whole number from 0 to 1,200, got ''"),
    ({"MonthlyCharges": "NaN"}, "monthly_charges: expected a number"),
    ({"MonthlyCharges": "Infinity"}, "monthly_charges: expected a number"),
    ({"MonthlyCharges": "1.2.3"}, "monthly_charges: expected a number"),
    ({"MonthlyCharges": "1000001"}, "monthly_charges: expected a number"),
    ({"MonthlyCharges": "29,85"}, "monthly_charges: expected a number"),
    ({"TotalCharges": "a lot"}, "total_charges: expected a number"),
    ({"TotalCharges": " "}, "total_charges: blank, which means tenure 0, but tenure is"),
    ({"gender": "X"}, "gender: expected Female | Male (or 1, 0), got 'X'"),
    ({"Churn": ""}, "churn: expected No | Yes"),
    ({"Partner": "it's complicated"}, "partner: expected No | Yes"),
    ({"Contract": "Ten years"}, "contract: expected Month-to-month | One year | Two year"),
    ({"customerID": " "}, "customer_id: expected a text of 1 to 200 characters"),
    ({"customerID": "x" * 201}, "customer_id: expected a text of 1 to 200 characters"),
    ({"customerID": "a\tb"}, "customer_id: expected a text of 1 to 200 characters"),
    ({"InternetService": "No"}, "online_security: must be 'No internet service' exactly when"),
    ({"TechSupport": "No internet service"}, "tech_support: must be 'No internet service'"),
    ({"PhoneService": "No"}, "multiple_lines: must be 'No phone service' exactly when"),
]


def test_a_bad_row_goes_to_the_rejected_ones_as_it_came_and_with_the_reason(
    url: str, connection: Connection, write: Write
) -> None:
    bad = [{**read_rows()[4], **changes} for changes, _ in BAD_ROWS]
    good = read_rows()[10:610]
    text = csv_text([*bad, *good], delimiter="|")
    assert counted(bring_in(url, write(text))) == (len(good), len(bad))
    found = rejected(connection)
    assert [line for line, _, _ in found] == list(range(2, len(bad) + 2))
    for line, (_, reason), (_, raw, reasons) in zip(
        text.splitlines()[1:], BAD_ROWS, found, strict=False
    ):
        assert raw == line
        assert any(told.startswith(reason) for told in reasons), (reason, reasons)


def test_the_raw_text_of_a_rejected_row_keeps_its_quotes(
    url: str, connection: Connection, write: Write
) -> None:
    rows = changed([{**row, "city": 'Rio, "RJ"'} for row in ROWS], 0, tenure="x")
    text = csv_text(rows)
    bring_in(url, write(text))
    ((_, raw, _),) = rejected(connection)
    assert raw == text.splitlines()[1]


def test_every_reason_of_a_row_is_reported(url: str, connection: Connection, write: Write) -> None:
    bring_in(url, write(csv_text(changed(ROWS, 0, tenure="x", gender="x", Churn="x"))))
    ((_, _, reasons),) = rejected(connection)
    assert [told.split(":")[0] for told in reasons] == ["gender", "tenure", "churn"]


def test_accepted_and_rejected_rows_add_up_in_the_load(
    url: str, connection: Connection, write: Write
) -> None:
    rows = changed(changed(ROWS, 3, tenure="x"), 7, Churn="?")
    bring_in(url, write(csv_text(rows)))
    query = "SELECT rows, accepted, rejected, inserted, finished_at IS NOT NULL FROM loads"
    assert everything(connection, query) == [(60, 58, 2, 58, True)]


def test_too_many_bad_rows_change_nothing_and_are_kept_with_the_verdict(
    url: str, connection: Connection, write: Write
) -> None:
    bring_in(url, write(csv_text(ROWS[:10])))
    query = "SELECT customers.*, xmin::text FROM customers ORDER BY customer_id"
    before = everything(connection, query)
    rows = [
        {**row, "tenure": "x"} if i < 4 else {**row, "Churn": "Yes"} for i, row in enumerate(ROWS)
    ]
    report = bring_in(url, write(csv_text(rows)), replace=True)
    assert judged(report).verdict.value == "stop"
    assert "4 of 60 rows are not valid customers" in judged(report).reasons[0]
    assert everything(connection, query) == before
    assert [line for line, _, _ in rejected(connection)] == [2, 3, 4, 5]
    assert number(connection, "SELECT count(*) FROM customer_history") == 0
    query = "SELECT verdict, accepted, rejected, inserted, removed FROM loads WHERE load_id = 2"
    assert everything(connection, query) == [("stop", 56, 4, 0, 0)]


def test_the_first_load_can_be_stopped_too(url: str, connection: Connection, write: Write) -> None:
    bad = [{**row, "tenure": "x"} for row in ROWS]
    assert judged(bring_in(url, write(csv_text(bad)))).verdict.value == "stop"
    assert number(connection, "SELECT count(*) FROM customers") == 0
    assert bring_in(url, write(csv_text(ROWS))).counts.inserted == len(ROWS)


def test_another_limit_lets_more_bad_rows_pass(url: str, write: Write) -> None:
    rows = [{**row, "tenure": "x"} if i < 30 else row for i, row in enumerate(ROWS)]
    assert counted(bring_in(url, write(csv_text(rows)), limit_rejected=0.5)) == (30, 30)


@pytest.mark.parametrize("known", [True, False], ids=["later load", "first load"])
def test_of_a_customer_in_a_file_twice_the_last_row_counts(
    url: str, connection: Connection, write: Write, known: bool
) -> None:
    if known:
        bring_in(url, write(csv_text(ROWS[:20])))
    late = {**ROWS[5], "MonthlyCharges": "99.5"}
    assert counted(bring_in(url, write(csv_text([*ROWS, late])))) == (60, 1)
    charged = f"SELECT monthly_charges FROM customers WHERE customer_id = '{late['customerID']}'"  # noqa: S608
    assert everything(connection, f"{charged} AND monthly_charges = 99.5")
    ((line, _, reasons),) = rejected(connection)
    assert line == 7
    assert "another row of this customer" in reasons[0]


@pytest.mark.parametrize("known", [True, False], ids=["later load", "first load"])
def test_a_bad_last_row_does_not_hide_the_good_one_before_it(
    url: str, connection: Connection, write: Write, known: bool
) -> None:
    if known:
        bring_in(url, write(csv_text(ROWS[:20])))
    report = bring_in(url, write(csv_text([*ROWS, {**ROWS[5], "tenure": "x"}])))
    assert counted(report) == (60, 1)
    assert [line for line, _, _ in rejected(connection)] == [62]


def test_a_bad_row_of_a_very_wide_file_is_rejected(url: str, write: Write) -> None:
    extra = {f"extra {i}": "x" for i in range(120)}
    rows = changed([{**row, **extra} for row in ROWS], 3, tenure="x")
    assert counted(bring_in(url, write(csv_text(rows)))) == (59, 1)


def test_an_id_of_thousands_of_letters_is_rejected(url: str, write: Write) -> None:
    odd = "".join(chr(0x4E00 + i * 7919 % 20_000) for i in range(5_000))
    assert counted(bring_in(url, write(csv_text(changed(ROWS, 3, customerID=odd))))) == (59, 1)


def test_rejected_rows_do_not_count_as_churned_customers(
    url: str, connection: Connection, write: Write
) -> None:
    rows = changed([{**row, "Churn": "No"} for row in ROWS], 3, Churn="Yes", tenure="x")
    bring_in(url, write(csv_text(rows)))
    assert number(connection, "SELECT churned FROM loads") == 0


def test_blanks_unseen_values_and_contradictions_are_counted_separately_per_column(
    url: str, write: Write
) -> None:
    rows = read_rows()[:600]
    rows[0:0] = [{**read_rows()[700], "Contract": " "}, {**read_rows()[701], "Contract": ""}]
    rows[0:0] = [{**read_rows()[702], "Contract": "Ten years"}]
    rows[0:0] = [{**read_rows()[4], "InternetService": "No", "customerID": "odd"}]
    reasons = judged(bring_in(url, write(csv_text(rows)))).reasons
    assert "contract: 2 of 604 values (0.33%) are blank" in reasons
    assert "contract: 1 of 604 values (0.17%) are not allowed" in reasons
    assert "online_security: 1 of 604 values (0.17%) contradict another column" in reasons


def test_a_load_is_compared_with_the_last_ones_in_rows_and_in_churn(url: str, write: Write) -> None:
    rows = read_rows()[:2_000]
    assert judged(bring_in(url, write(csv_text(rows)))).reasons == ()
    left = [{**row, "Churn": "Yes"} if i % 2 else row for i, row in enumerate(rows)]
    more = [{**row, "customerID": f"new {i}"} for i, row in enumerate(left)]
    many = bring_in(url, write(csv_text([*left, *more])))
    assert judged(many).verdict.value == "flag"
    assert judged(many).reasons[0] == "4,000 rows, where the last loads had 2,000"
    assert "churned, where it was 26" in judged(many).reasons[1]
