"""What cleaning makes of rows: customers, rejected rows and a report."""

import dataclasses

import pandas as pd
import pytest

from churn.core.errors import WarehouseError
from churn.warehouse.connect import Connection, connect
from churn.warehouse.customers import latest_load, read_customers
from tests.customer_file import CHURN_CSV, customers, read_rows
from tests.loading import (
    Write,
    bring_in,
    changed,
    clean,
    csv_text,
    everything,
    judged,
    load,
    number,
)

ROWS = read_rows()[:60]


def test_the_real_file_gives_every_customer(url: str, connection: Connection) -> None:
    report = bring_in(url, CHURN_CSV)
    counts = report.counts
    assert (counts.accepted, counts.rejected, counts.inserted) == (7_043, 0, 7_043)
    assert judged(report).verdict.value == "pass"
    figures = "count(*), count(*) FILTER (WHERE churn), count(*) FILTER (WHERE total_charges = 0)"
    found = everything(connection, f"SELECT {figures} FROM customers")  # noqa: S608
    assert found == [(7_043, 1_869, 11)]


def test_the_customers_read_for_training_are_those_of_the_file(url: str) -> None:
    bring_in(url, CHURN_CSV)
    with connect(url) as connection:
        frame = read_customers(connection)
    expected = customers().sort_values("customer_id", ignore_index=True)
    frame = frame.sort_values("customer_id", ignore_index=True)
    pd.testing.assert_frame_equal(frame, expected, check_dtype=False)


def test_a_customer_who_changed_is_updated_alone(
    url: str, connection: Connection, write: Write
) -> None:
    bring_in(url, write(csv_text(ROWS)))
    report = bring_in(url, write(csv_text(changed(ROWS, 3, Churn="Yes", tenure="46"))))
    assert (report.counts.inserted, report.counts.updated) == (0, 1)
    found = everything(
        connection, "SELECT customer_id, tenure, churn FROM customers WHERE load_id = 2"
    )
    assert found == [(ROWS[3]["customerID"], 46, True)]


def test_customers_who_are_not_in_the_next_file_stay(url: str, write: Write) -> None:
    rows = read_rows()
    bring_in(url, write(csv_text(rows[:30])))
    assert bring_in(url, write(csv_text(rows[20:40]))).counts.removed == 0
    with connect(url) as connection:
        assert len(read_customers(connection)) == 40


def test_replacing_removes_customers_who_are_not_in_the_file(url: str, write: Write) -> None:
    rows = read_rows()
    bring_in(url, write(csv_text(rows[:300])))
    replaced = bring_in(url, write(csv_text(rows[100:700])), replace=True, allow_change=True)
    assert (replaced.counts.inserted, replaced.counts.removed) == (400, 100)
    with connect(url) as connection:
        ids = set(read_customers(connection)["customer_id"])
    assert ids == {row["customerID"] for row in rows[100:700]}


def test_replacing_with_too_few_to_learn_from_is_stopped_and_changes_nothing(
    url: str, connection: Connection, write: Write
) -> None:
    bring_in(url, write(csv_text(read_rows()[:700])))
    judgement = judged(bring_in(url, write(csv_text(read_rows()[:60])), replace=True))
    assert judgement.verdict.value == "stop"
    assert "to replace all customers, a file needs at least 50 churned" in judgement.reasons[0]
    assert number(connection, "SELECT count(*) FROM customers") == 700
    assert number(connection, "SELECT count(*) FROM customer_history") == 0


def test_replacing_by_a_file_with_a_truncated_line_is_stopped(
    url: str, connection: Connection, write: Write
) -> None:
    text = csv_text(read_rows()[:700])
    bring_in(url, write(text))
    lines = text.splitlines()
    lines[5] = lines[5][:40]
    judgement = judged(bring_in(url, write("\r\n".join(lines)), replace=True))
    assert judgement.verdict.value == "stop"
    assert "1 lines are not rows, so their customers are unknown" in judgement.reasons[0]
    assert number(connection, "SELECT count(*) FROM customers") == 700


def test_replacing_keeps_a_customer_whose_row_was_rejected(url: str, write: Write) -> None:
    bring_in(url, write(csv_text(ROWS)))
    counts = bring_in(url, write(csv_text(changed(ROWS, 3, tenure="many"))), replace=True).counts
    assert (counts.rejected, counts.removed) == (1, 0)


def test_cleaning_a_load_twice_gives_the_same_answer_and_changes_nothing(
    url: str, connection: Connection
) -> None:
    load_id = load(url, CHURN_CSV).load_id
    first = clean(url, load_id)
    assert clean(url, load_id) == dataclasses.replace(first, done_before=True)
    assert number(connection, "SELECT count(*) FROM customers") == 7_043


def test_a_staging_table_that_a_crash_emptied_is_reported_with_the_request_to_load_again(
    url: str, connection: Connection, write: Write
) -> None:
    load_id = load(url, write(csv_text(ROWS))).load_id
    connection.execute("TRUNCATE staging_load_1")
    with pytest.raises(WarehouseError, match=f"load {load_id} is gone .a crash of PostgreSQL"):
        clean(url, load_id)


def test_a_load_that_never_was_is_reported(url: str) -> None:
    with pytest.raises(WarehouseError, match="there is no load 99"):
        clean(url, 99)


def test_no_staging_table_is_left_after_cleaning(url: str, connection: Connection) -> None:
    bring_in(url, CHURN_CSV)
    query = "SELECT count(*) FROM pg_class WHERE relname LIKE 'staging%'"
    assert number(connection, query) == 0


def test_the_last_load_counts_only_once_it_is_clean(url: str, write: Write) -> None:
    done = bring_in(url, write(csv_text(ROWS[:20]))).load_id
    load(url, write(csv_text(ROWS)))
    with connect(url) as connection:
        assert latest_load(connection) == done
