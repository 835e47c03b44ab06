"""Days and former states: an older file never wins, and nothing that was known is lost."""

from datetime import UTC, date, datetime, timedelta
from typing import cast

import pytest

from churn.core.errors import DataQualityError
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
    number,
    rejected,
)

ROWS = read_rows()[:40]
ID = ROWS[3]["customerID"]
JANUARY, FEBRUARY, MARCH = date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31)


def _priced(amount: str) -> list[Row]:
    return changed(ROWS, 3, MonthlyCharges=amount)


def _price(connection: Connection) -> float:
    query = "SELECT monthly_charges::float8 FROM customers WHERE customer_id = %s"
    row = connection.execute(query, (ID,)).fetchone()
    assert row
    return cast(float, row[0])


def _dated(rows: list[Row], day: str) -> str:
    return csv_text([{**row, "snapshot_date": day} for row in rows])


def test_an_older_day_set_by_hand_overwrites_nothing(
    url: str, connection: Connection, write: Write
) -> None:
    bring_in(url, write(csv_text(_priced("20"))), day=FEBRUARY)
    counts = bring_in(url, write(csv_text(_priced("10"))), day=JANUARY).counts
    assert _price(connection) == 20
    assert (counts.accepted, counts.updated, counts.older) == (40, 0, 1)
    assert number(connection, "SELECT count(*) FROM customer_history") == 0


@pytest.mark.parametrize("name", ["export_{}.csv", "{}.csv", "t{}_v2.txt"])
def test_an_older_day_in_the_files_name_overwrites_nothing(
    url: str, connection: Connection, write: Write, name: str
) -> None:
    bring_in(url, write(csv_text(_priced("20")), name.format("2026-02-28")))
    bring_in(url, write(csv_text(_priced("10")), name.format("20260131")))
    assert _price(connection) == 20
    told = everything(connection, "SELECT snapshot_date, snapshot_told_by FROM loads ORDER BY 1")
    assert told == [(JANUARY, "the file's name"), (FEBRUARY, "the file's name")]


def test_an_older_day_in_the_column_overwrites_nothing(
    url: str, connection: Connection, write: Write
) -> None:
    bring_in(url, write(_dated(_priced("20"), "2026-02-28")))
    bring_in(url, write(_dated(_priced("10"), "2026-01-31")))
    assert _price(connection) == 20


def test_rows_of_several_days_in_one_file_are_each_compared_by_their_own(
    url: str, connection: Connection, write: Write
) -> None:
    bring_in(url, write(csv_text(ROWS)), day=FEBRUARY)
    days = ["2026-01-31", "2026-03-31"]
    rows = [{**r, "MonthlyCharges": "77", "snapshot_date": days[i % 2]} for i, r in enumerate(ROWS)]
    counts = bring_in(url, write(csv_text(rows))).counts
    assert (counts.updated, counts.older) == (20, 20)
    assert number(connection, "SELECT count(*) FROM customers WHERE monthly_charges = 77") == 20


def test_a_row_that_a_newer_file_left_unchanged_is_not_overwritten_by_a_day_between(
    url: str, connection: Connection, write: Write
) -> None:
    bring_in(url, write(csv_text(_priced("20"))), day=JANUARY)
    bring_in(url, write(csv_text(_priced("20"))), day=MARCH, again=True)
    counts = bring_in(url, write(csv_text(_priced("10"))), day=FEBRUARY).counts
    assert _price(connection) == 20
    assert counts.older == 1


def test_a_row_of_a_newer_file_that_lacked_others_is_not_overwritten_by_a_day_between(
    url: str, connection: Connection, write: Write
) -> None:
    bring_in(url, write(csv_text(_priced("20"))), day=JANUARY)
    bring_in(url, write(csv_text(_priced("20")[:30])), day=MARCH)
    changed_all = [{**row, "MonthlyCharges": "10"} for row in ROWS]
    assert bring_in(url, write(csv_text(changed_all)), day=FEBRUARY).counts.older == 30
    assert _price(connection) == 20
    assert number(connection, "SELECT count(*) FROM customers WHERE monthly_charges = 10") == 10


def test_a_newer_file_of_all_customers_does_not_cover_one_that_came_later(
    url: str, connection: Connection, write: Write
) -> None:
    rows = _priced("20")
    bring_in(url, write(csv_text([*rows[:3], *rows[4:]])), day=JANUARY)
    bring_in(url, write(csv_text([*rows[:3], *rows[4:]])), day=MARCH, again=True)
    bring_in(url, write(csv_text(rows)), day=JANUARY, again=True)
    bring_in(url, write(csv_text(_priced("10"))), day=FEBRUARY)
    assert _price(connection) == 10


def test_of_two_files_of_all_customers_the_later_day_counts_whichever_came_last(
    url: str, connection: Connection, write: Write
) -> None:
    for day in (JANUARY, date(2026, 5, 31), MARCH):
        bring_in(url, write(csv_text(_priced("20"))), day=day, again=True)
    april = date(2026, 4, 30)
    assert bring_in(url, write(csv_text(_priced("10"))), day=april).counts.older == 1
    assert _price(connection) == 20


def test_a_file_of_all_customers_writes_no_row_that_it_leaves_as_it_is(
    url: str, connection: Connection, write: Write
) -> None:
    bring_in(url, write(csv_text(ROWS)), day=JANUARY)
    query = "SELECT xmin::text FROM customers ORDER BY customer_id"
    before = everything(connection, query)
    bring_in(url, write(csv_text(ROWS[::-1])), day=FEBRUARY)
    assert everything(connection, query) == before


def test_the_same_day_again_corrects_the_row(
    url: str, connection: Connection, write: Write
) -> None:
    bring_in(url, write(csv_text(_priced("20"))), day=JANUARY)
    bring_in(url, write(csv_text(_priced("10"))), day=JANUARY)
    assert _price(connection) == 10


def test_another_spelling_of_the_same_values_is_no_change(
    url: str, connection: Connection, write: Write
) -> None:
    bring_in(url, write(csv_text(_priced("20"))), day=JANUARY)
    counts = bring_in(url, write(csv_text(_priced("20.00"))), day=FEBRUARY).counts
    assert counts.updated == 0
    assert number(connection, "SELECT count(*) FROM customer_history") == 0
    assert everything(connection, "SELECT DISTINCT load_id FROM customers") == [(1,)]


def test_the_former_state_of_a_changed_row_is_kept(
    url: str, connection: Connection, write: Write
) -> None:
    for amount, day in (("10", JANUARY), ("20", FEBRUARY), ("30", MARCH)):
        bring_in(url, write(csv_text(_priced(amount))), day=day)
    history = everything(
        connection,
        "SELECT customer_id, monthly_charges::int, snapshot_date, load_id, replaced_by"
        " FROM customer_history ORDER BY replaced_by",
    )
    assert history == [(ID, 10, JANUARY, 1, 2), (ID, 20, FEBRUARY, 2, 3)]


def test_removed_customers_are_kept_in_the_history(
    url: str, connection: Connection, write: Write
) -> None:
    rows = read_rows()[:700]
    bring_in(url, write(csv_text(rows)), day=JANUARY)
    bring_in(url, write(csv_text(rows[10:])), day=FEBRUARY, replace=True)
    query = "SELECT customer_id FROM customer_history WHERE replaced_by = 2 AND load_id = 1"
    gone = {str(name) for (name,) in everything(connection, query)}
    assert gone == {row["customerID"] for row in ROWS[:10]}


def test_of_a_customer_twice_in_a_file_an_older_day_does_not_win(
    url: str, connection: Connection, write: Write
) -> None:
    bring_in(url, write(csv_text(ROWS[10:])), day=date(2025, 12, 31))
    newer = [{**row, "snapshot_date": "2026-02-28"} for row in _priced("20")]
    older = {**newer[3], "MonthlyCharges": "10", "snapshot_date": "2026-01-31"}
    bring_in(url, write(csv_text([*newer, older])))
    assert _price(connection) == 20


@pytest.mark.parametrize("known", [True, False], ids=["unchanged rows", "new rows"])
@pytest.mark.parametrize("day", ["", "31/01/2026", "2026-13-45"])
def test_a_row_whose_day_is_no_date_is_rejected(
    url: str, connection: Connection, write: Write, day: str, known: bool
) -> None:
    if known:
        bring_in(url, write(csv_text(ROWS)), day=JANUARY)
    rows = [{**row, "snapshot_date": "2026-02-28"} for row in ROWS]
    assert counted(bring_in(url, write(csv_text(changed(rows, 3, snapshot_date=day))))) == (39, 1)
    ((_, _, reasons),) = rejected(connection)
    assert reasons == [
        f"snapshot_date: expected a date such as 2026-01-31, not in the future, got '{day}'"
    ]


def test_a_row_with_a_future_date_is_rejected(
    url: str, connection: Connection, write: Write
) -> None:
    rows = [{**row, "snapshot_date": "2026-02-28"} for row in ROWS]
    later = f"{datetime.now(UTC).date() + timedelta(days=3)}"
    assert counted(bring_in(url, write(csv_text(changed(rows, 3, snapshot_date=later))))) == (39, 1)
    ((_, _, reasons),) = rejected(connection)
    assert "not in the future" in reasons[0]


@pytest.mark.parametrize(("name", "day"), [("2099-01-01.csv", None), ("a.csv", date(2099, 1, 1))])
def test_a_file_with_a_future_date_is_refused(
    url: str, connection: Connection, write: Write, name: str, day: date | None
) -> None:
    with pytest.raises(DataQualityError, match=r"2099-01-01 .* is in the future"):
        bring_in(url, write(csv_text(ROWS), name), day=day)
    assert number(connection, "SELECT count(*) FROM loads") == 0


def test_the_same_bytes_of_a_later_day_count_again(
    url: str, connection: Connection, write: Write
) -> None:
    january, february = csv_text(_priced("10")), csv_text(_priced("20"))
    for name, text in (("2026-01-01", january), ("2026-02-01", february), ("2026-03-01", january)):
        bring_in(url, write(text, f"export_{name}.csv"))
    assert _price(connection) == 10
    again = bring_in(url, write(january, "export_2026-02-15.csv"))
    assert again.done_before


def test_a_day_set_by_hand_for_a_file_with_days_of_its_own_is_refused(
    url: str, write: Write
) -> None:
    path = write(_dated(ROWS, "2026-01-31"))
    with pytest.raises(DataQualityError, match="cannot be set by hand"):
        bring_in(url, path, day=FEBRUARY)
    assert bring_in(url, path).snapshot == "the column snapshot_date"


@pytest.mark.parametrize(
    "name", ["e_20260131120000.csv", "2026_01_31.csv", "e.2026.01.31.csv", "e-20260131T0200.csv"]
)
def test_a_day_in_the_name_may_be_written_in_several_ways(
    url: str, connection: Connection, write: Write, name: str
) -> None:
    bring_in(url, write(csv_text(ROWS), name))
    assert everything(connection, "SELECT snapshot_date FROM loads") == [(JANUARY,)]


@pytest.mark.parametrize(
    "name",
    [
        "from_20260101_to_20260131.csv",
        "x_2026-01-01_2026-01-31.csv",
        "x_2026-01-31_2026-01-01.csv",
        "20260101-20260131.csv",
        "20260101_20260131.csv.gz",
        "2026010120260131.csv",
        "2026-01-01-2026-01-31.csv",
        "2026-01-01T0200_2026-01-31T0200.csv",
        "2026.01.01-2026.01.31.csv",
        "x_20260101_2026-01-31.csv",
        "2026-01-01..2026-01-31.csv",
        "x 2026_01_01_2026_01_31.csv",
    ],
)
def test_a_name_with_two_days_is_refused(url: str, write: Write, name: str) -> None:
    with pytest.raises(DataQualityError, match="2026-01-01 and 2026-01-31; set the snapshot date"):
        bring_in(url, write(csv_text(ROWS), name))


@pytest.mark.parametrize(
    "name",
    [
        "x_2026-01-01.csv",
        "20260101020000.csv",
        "x_20260101_0200.csv",
        "2026-01-01T020000.csv",
        "2026-01-01_2026-01-01.csv",
        "2026-01-01_part2.csv",
        "2026-01-01_2026.csv",
    ],
)
def test_a_name_with_one_day_is_of_that_day(
    url: str, connection: Connection, write: Write, name: str
) -> None:
    bring_in(url, write(csv_text(ROWS), name))
    assert everything(connection, "SELECT snapshot_date::text FROM loads") == [("2026-01-01",)]


def test_every_customer_leads_back_to_a_load_with_its_file(
    url: str, connection: Connection, write: Write
) -> None:
    for i in range(3):
        bring_in(url, write(csv_text(_priced(f"{i}")[: 20 + 10 * i]), f"{i}.csv"))
    query = (
        "SELECT count(*) FROM customers LEFT JOIN loads USING (load_id)"
        " WHERE loads.file IS NULL OR loads.verdict = 'stop'"
    )
    assert number(connection, query) == 0
    assert number(connection, "SELECT count(DISTINCT load_id) FROM customers") == 3
