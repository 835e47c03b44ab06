import csv
import io
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import psycopg
import pytest
from psycopg import sql

from churn.customer import COLUMNS
from churn.errors import DataQualityError, WarehouseError
from churn.warehouse.clean import Cleaned, clean
from churn.warehouse.connect import Connection, connect
from churn.warehouse.customers import latest_load, read_customers
from churn.warehouse.load import Load, load_csv, staging_table
from churn.warehouse.schema import create_tables
from tests.customer_file import CHURN_CSV, CHURN_CSV_SHA256, customers, read_rows

Row = dict[str, str]
HEADERS = [field.header for field in COLUMNS]


@pytest.fixture
def url(database_url: str) -> str:
    """A database with the tables and nothing in them."""
    with connect(database_url) as connection:
        create_tables(connection)
    return database_url


@pytest.fixture
def connection(url: str) -> Iterator[Connection]:
    """A look at what was committed."""
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str | bytes], Path]:
    """Write a customer file."""

    def write(content: str | bytes) -> Path:
        path = tmp_path / "customers.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


Write = Callable[[str | bytes], Path]


def _csv(rows: list[Row]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _load(url: str, path: Path) -> Load:
    with connect(url) as connection:
        return load_csv(connection, path)


def _clean(url: str, load_id: int, *, replace: bool = False) -> Cleaned:
    with connect(url) as connection:
        return clean(connection, load_id, replace=replace)


def _bring_in(url: str, path: Path, *, replace: bool = False) -> Cleaned:
    return _clean(url, _load(url, path).load_id, replace=replace)


def _all(connection: Connection, query: str) -> list[tuple[object, ...]]:
    return connection.execute(query).fetchall()


def _one(connection: Connection, query: str) -> object:
    ((value,),) = _all(connection, query)
    return value


def _changed(rows: list[Row], number: int, **changes: str) -> list[Row]:
    return [{**row, **changes} if i == number else row for i, row in enumerate(rows)]


def test_the_real_file_gives_every_customer(url: str, connection: Connection) -> None:
    cleaned = _bring_in(url, CHURN_CSV)
    assert (cleaned.accepted, cleaned.rejected, cleaned.inserted) == (7_043, 0, 7_043)
    figures = "count(*), count(*) FILTER (WHERE churn), count(*) FILTER (WHERE total_charges = 0)"
    assert _all(connection, f"SELECT {figures} FROM customers") == [(7_043, 1_869, 11)]  # noqa: S608


def test_the_customers_read_for_training_are_those_of_the_file(url: str) -> None:
    _bring_in(url, CHURN_CSV)
    with connect(url) as connection:
        frame = read_customers(connection)
    expected = customers().sort_values("customer_id", ignore_index=True)
    frame = frame.sort_values("customer_id", ignore_index=True)
    pd.testing.assert_frame_equal(frame, expected, check_dtype=False)


def test_a_load_is_recorded_with_the_files_hash_and_size(url: str, connection: Connection) -> None:
    load = _load(url, CHURN_CSV)
    (row,) = _all(connection, "SELECT load_id, file, sha256, bytes, rows FROM loads")
    size = CHURN_CSV.stat().st_size
    assert row == (load.load_id, str(CHURN_CSV), CHURN_CSV_SHA256, size, 7_043)


def test_the_same_file_again_updates_no_row(url: str, connection: Connection) -> None:
    _bring_in(url, CHURN_CSV)
    before = _all(connection, "SELECT customers.*, xmin::text FROM customers ORDER BY customer_id")
    again = _bring_in(url, CHURN_CSV)
    assert (again.accepted, again.inserted, again.updated, again.removed) == (7_043, 0, 0, 0)
    after = _all(connection, "SELECT customers.*, xmin::text FROM customers ORDER BY customer_id")
    assert after == before


def test_creating_the_tables_again_changes_nothing(url: str, connection: Connection) -> None:
    _bring_in(url, CHURN_CSV)
    with connect(url) as other:
        create_tables(other)
    assert _one(connection, "SELECT count(*) FROM customers") == 7_043


def test_a_customer_who_changed_is_updated_alone(
    url: str, connection: Connection, write: Write
) -> None:
    rows = read_rows()[:30]
    _bring_in(url, write(_csv(rows)))
    cleaned = _bring_in(url, write(_csv(_changed(rows, 3, Churn="Yes", tenure="46"))))
    assert (cleaned.inserted, cleaned.updated) == (0, 1)
    changed = "SELECT customer_id, tenure, churn FROM customers WHERE load_id = 2"
    assert _all(connection, changed) == [(rows[3]["customerID"], 46, True)]


def test_customers_who_are_not_in_the_next_file_stay(url: str, write: Write) -> None:
    rows = read_rows()
    _bring_in(url, write(_csv(rows[:30])))
    assert _bring_in(url, write(_csv(rows[20:40]))).removed == 0
    with connect(url) as connection:
        assert len(read_customers(connection)) == 40


def test_replacing_removes_customers_who_are_not_in_the_file(url: str, write: Write) -> None:
    rows = read_rows()
    _bring_in(url, write(_csv(rows[:300])))
    cleaned = _bring_in(url, write(_csv(rows[100:700])), replace=True)
    assert (cleaned.inserted, cleaned.removed) == (400, 100)
    with connect(url) as connection:
        ids = set(read_customers(connection)["customer_id"])
    assert ids == {row["customerID"] for row in rows[100:700]}


def test_replacing_with_too_few_to_learn_from_is_refused_and_changes_nothing(
    url: str, connection: Connection, write: Write
) -> None:
    _bring_in(url, write(_csv(read_rows()[:700])))
    path = write(_csv(read_rows()[:60]))
    with pytest.raises(DataQualityError, match=f"{path.name}: to replace all customers"):
        _bring_in(url, path, replace=True)
    assert _one(connection, "SELECT count(*) FROM customers") == 700


def test_replacing_keeps_a_customer_whose_row_was_rejected(url: str, write: Write) -> None:
    rows = read_rows()[:700]
    _bring_in(url, write(_csv(rows)))
    cleaned = _bring_in(url, write(_csv(_changed(rows, 3, tenure="many"))), replace=True)
    assert (cleaned.rejected, cleaned.removed) == (1, 0)


def _png() -> bytes:
    return b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8


def _real_bytes() -> bytes:
    return CHURN_CSV.read_bytes()


def _without_contract() -> bytes:
    rows = [{k: v for k, v in row.items() if k != "Contract"} for row in read_rows()[:9]]
    return _csv(rows).encode()


BAD_FILES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "the file is empty"),
    "only blank lines": (b"\n\n\n", "the file is empty"),
    "only a header": (_real_bytes().split(b"\n")[0] + b"\n", "no rows below the header"),
    "an image": (_png(), "not a CSV header in UTF-8"),
    "another CSV": (b"a,b,c\n1,2,3\n", "the header lacks customerID, gender"),
    "no header": (_real_bytes().split(b"\n", 1)[1], "the header lacks customerID"),
    "other separators": (_real_bytes().replace(b",", b";"), "the header lacks customerID"),
    "UTF-16": (_real_bytes()[:9_000].decode().encode("utf-16"), "not a CSV header in UTF-8"),
    "Latin-1": (_real_bytes()[:9_000].replace(b"Female", b"Fem\xe9le"), "invalid byte sequence"),
    "NUL bytes": (_real_bytes()[:9_000].replace(b"Female", b"Fem\0le"), "0x00"),
    "a torn row": (_real_bytes()[:5_000], "missing data for column"),
    "a row too long": (_real_bytes()[:5_000].rsplit(b"\n", 1)[0][:-1] + b",1\r\n", "extra data"),
    "an open quote": (_real_bytes()[:5_000] + b'"', "unterminated CSV quoted field"),
    "a column less": (_without_contract(), "the header lacks Contract;"),
    "a column twice": (
        _real_bytes().replace(b",gender", b",gender,Gender", 1),
        "gender more than once",
    ),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_file_that_is_not_right_is_refused_by_name_and_changes_nothing(
    url: str, connection: Connection, write: Write, name: str
) -> None:
    content, reason = BAD_FILES[name]
    _bring_in(url, write(_csv(read_rows()[:20])))
    path = write(content)
    with pytest.raises(DataQualityError) as caught:
        _bring_in(url, path)
    assert str(path) in str(caught.value)
    assert reason in str(caught.value)
    assert _one(connection, "SELECT count(*) FROM customers") == 20
    assert _one(connection, "SELECT count(*) FROM loads") == 1


@pytest.mark.parametrize("name", ["empty", "an image", "another CSV"])
def test_a_refusal_says_what_was_expected(url: str, write: Write, name: str) -> None:
    with pytest.raises(DataQualityError, match="expected a CSV file in UTF-8 with the columns"):
        _load(url, write(BAD_FILES[name][0]))


def test_a_missing_file_is_refused_by_name_and_is_not_created(url: str, tmp_path: Path) -> None:
    path = tmp_path / "nothing.csv"
    with pytest.raises(DataQualityError, match=f"{path}: there is no such file; expected a CSV"):
        _load(url, path)
    assert not path.exists()


def test_a_folder_is_refused_by_name(url: str, tmp_path: Path) -> None:
    with pytest.raises(DataQualityError, match=f"{tmp_path}: there is no such file"):
        _load(url, tmp_path)


def test_the_file_is_left_as_it_was(url: str, write: Write) -> None:
    path = write(_real_bytes())
    path.chmod(0o444)
    before = path.stat()
    _bring_in(url, path)
    after = path.stat()
    assert (after.st_mtime_ns, after.st_size) == (before.st_mtime_ns, before.st_size)


@pytest.mark.parametrize(
    "transform",
    [
        lambda rows: [dict(reversed(row.items())) for row in rows],
        lambda rows: [{f.name: row[f.header] for f in COLUMNS} for row in rows],
        lambda rows: [{f.header.upper(): row[f.header] for f in COLUMNS} for row in rows],
        lambda rows: [{"region": "North", **row, "note": 'a "b", c'} for row in rows],
        lambda rows: [{k: f"  {v.upper()} " for k, v in row.items()} for row in rows],
    ],
    ids=["other order", "snake_case", "upper case", "extra columns", "loud and spaced values"],
)
def test_other_layouts_of_the_same_customers_are_read_alike(
    url: str, write: Write, transform: Callable[[list[Row]], list[Row]]
) -> None:
    rows = read_rows()[:500]
    _bring_in(url, write(_csv(rows)))
    cleaned = _bring_in(url, write(_csv(transform(rows))))
    assert (cleaned.accepted, cleaned.rejected) == (500, 0)
    assert (cleaned.inserted, cleaned.updated) == (0, 0)


@pytest.mark.parametrize("prefix", [b"\xef\xbb\xbf", b""], ids=["byte order mark", "none"])
@pytest.mark.parametrize("newline", [b"\r\n", b"\n"], ids=["Windows", "Unix"])
def test_byte_order_marks_and_windows_line_ends_are_read(
    url: str, write: Write, prefix: bytes, newline: bytes
) -> None:
    content = prefix + newline.join(_real_bytes().splitlines()[:101]) + newline
    assert _bring_in(url, write(content)).accepted == 100


def test_extra_columns_are_told(url: str, write: Write) -> None:
    rows = [{"region": "North", **row} for row in read_rows()[:5]]
    assert _load(url, write(_csv(rows))).extra_columns == ("region",)


BAD_ROWS: list[tuple[Row, str]] = [
    ({"tenure": "-1"}, "tenure: expected a whole number from 0 to 1,200, got '-1'"),
    ({"tenure": "many"}, "tenure: expected a whole number from 0 to 1,200, got 'many'"),
    ({"tenure": "1e99"}, "tenure: expected a whole number"),
    ({"tenure": "2.5"}, "tenure: expected a whole number"),
    ({"tenure": "9" * 400}, "tenure: expected a whole number"),
    ({"tenure": "٣"}, "tenure: expected a whole number"),
    ({"tenure": ""}, "tenure: expected a whole number from 0 to 1,200, got nothing"),
    ({"MonthlyCharges": "NaN"}, "monthly_charges: expected a number"),
    ({"MonthlyCharges": "Infinity"}, "monthly_charges: expected a number"),
    ({"MonthlyCharges": "1.2.3"}, "monthly_charges: expected a number"),
    ({"TotalCharges": "a lot"}, "total_charges: expected a number"),
    ({"TotalCharges": " "}, "total_charges: blank, which means tenure 0, but tenure is"),
    ({"gender": "X"}, "gender: expected Female | Male (or 1, 0), got 'X'"),
    ({"Churn": ""}, "churn: expected No | Yes"),
    ({"Partner": "it's complicated"}, "partner: expected No | Yes"),
    ({"Contract": "Ten years"}, "contract: expected Month-to-month | One year | Two year"),
    ({"customerID": " "}, "customer_id: expected a text of 1 to 200 characters"),
    ({"customerID": "x" * 201}, "customer_id: expected a text of 1 to 200 characters"),
    ({"InternetService": "No"}, "online_security: must be 'No internet service' exactly when"),
    ({"TechSupport": "No internet service"}, "tech_support: must be 'No internet service'"),
    ({"PhoneService": "No"}, "multiple_lines: must be 'No phone service' exactly when"),
]


def test_a_bad_row_goes_to_the_rejected_ones_as_it_came_and_with_the_reason(
    url: str, connection: Connection, write: Write
) -> None:
    bad = [{**read_rows()[4], **changes} for changes, _ in BAD_ROWS]
    good = read_rows()[10:510]
    cleaned = _bring_in(url, write(_csv([*bad, *good])))
    assert (cleaned.accepted, cleaned.rejected) == (len(good), len(bad))
    found = _all(connection, "SELECT row_number, raw, reasons FROM rejected_rows ORDER BY 1")
    assert [number for number, _, _ in found] == list(range(1, len(bad) + 1))
    for row, (_, reason), (_, raw, reasons) in zip(bad, BAD_ROWS, found, strict=True):
        assert raw == {header: text or None for header, text in row.items()}
        assert isinstance(reasons, list)
        assert any(str(told).startswith(reason) for told in reasons), (reason, reasons)


def test_every_reason_of_a_row_is_told(url: str, connection: Connection, write: Write) -> None:
    rows = _changed(read_rows()[1:41], 0, tenure="x", gender="x", Churn="x")
    _bring_in(url, write(_csv(rows)))
    ((reasons,),) = _all(connection, "SELECT reasons FROM rejected_rows")
    assert isinstance(reasons, list)
    assert [str(told).split(":")[0] for told in reasons] == ["gender", "tenure", "churn"]


def test_accepted_and_rejected_rows_add_up_in_the_load(
    url: str, connection: Connection, write: Write
) -> None:
    rows = _changed(_changed(read_rows()[:100], 3, tenure="x"), 7, Churn="?")
    _bring_in(url, write(_csv(rows)))
    query = "SELECT rows, accepted, rejected, inserted, cleaned_at IS NOT NULL FROM loads"
    assert _all(connection, query) == [(100, 98, 2, 98, True)]


def test_five_percent_of_bad_rows_is_the_limit(url: str, write: Write) -> None:
    rows = read_rows()[:40]
    two = _changed(_changed(rows, 1, tenure="x"), 2, tenure="x")
    assert _bring_in(url, write(_csv(two))).rejected == 2


def test_too_many_bad_rows_change_nothing_and_are_told(
    url: str, connection: Connection, write: Write
) -> None:
    rows = read_rows()[:40]
    _bring_in(url, write(_csv(rows[:10])))
    three = _changed(_changed(_changed(rows, 1, tenure="x"), 2, tenure="y"), 3, tenure="z")
    with pytest.raises(DataQualityError, match=r"3 of 40 rows .* limit of 5%.*line 3: tenure"):
        _bring_in(url, write(_csv(three)))
    assert _one(connection, "SELECT count(*) FROM customers") == 10
    assert _one(connection, "SELECT count(*) FROM rejected_rows") == 0


def test_of_a_customer_in_a_file_twice_the_last_row_counts(
    url: str, connection: Connection, write: Write
) -> None:
    rows = read_rows()[:40]
    late = {**rows[5], "MonthlyCharges": "99.5"}
    cleaned = _bring_in(url, write(_csv([*rows, late])))
    assert (cleaned.accepted, cleaned.rejected, cleaned.inserted) == (40, 1, 40)
    charged = f"SELECT monthly_charges FROM customers WHERE customer_id = '{late['customerID']}'"  # noqa: S608
    assert float(str(_one(connection, charged))) == 99.5
    ((number, reasons),) = _all(connection, "SELECT row_number, reasons FROM rejected_rows")
    assert number == 6
    assert "appears again further down" in str(reasons)


def test_a_bad_last_row_does_not_hide_the_good_one_before_it(url: str, write: Write) -> None:
    rows = read_rows()[:40]
    cleaned = _bring_in(url, write(_csv([*rows, {**rows[5], "tenure": "x"}])))
    assert (cleaned.accepted, cleaned.rejected) == (40, 1)


def test_cleaning_a_load_twice_gives_the_same_answer_and_changes_nothing(
    url: str, connection: Connection
) -> None:
    load_id = _load(url, CHURN_CSV).load_id
    first = _clean(url, load_id)
    assert _clean(url, load_id) == first
    assert _one(connection, "SELECT count(*) FROM customers") == 7_043


def test_a_load_whose_staging_is_gone_is_told_to_be_loaded_again(url: str, write: Write) -> None:
    path = write(_csv(read_rows()[:20]))
    first = _load(url, path).load_id
    with connect(url) as connection:
        connection.execute(sql.SQL("DROP TABLE {}").format(staging_table(first)))
    with pytest.raises(WarehouseError, match=f"staging table of load {first} is gone"):
        _clean(url, first)


def test_two_loads_that_wait_to_be_cleaned_do_not_disturb_each_other(
    url: str, write: Write
) -> None:
    first = _load(url, write(_csv(read_rows()[:20]))).load_id
    second = _load(url, write(_csv(read_rows()[10:40]))).load_id
    assert _clean(url, second).inserted == 30
    assert _clean(url, first).inserted == 10


def test_a_line_that_copy_refuses_is_named_as_the_file_counts_it(url: str, write: Write) -> None:
    lines = _csv(read_rows()[:20]).splitlines()
    lines[6] = "torn"
    path = write("\n".join(lines))
    with pytest.raises(DataQualityError, match=f"{path.name}: line 7: missing data"):
        _load(url, path)


def test_a_staging_table_that_a_crash_emptied_is_told_to_be_loaded_again(
    url: str, connection: Connection, write: Write
) -> None:
    load_id = _load(url, write(_csv(read_rows()[:20]))).load_id
    connection.execute("TRUNCATE staging_load_1")
    with pytest.raises(WarehouseError, match="a crash of PostgreSQL"):
        _clean(url, load_id)


def test_a_load_that_never_was_is_told_so(url: str) -> None:
    with pytest.raises(WarehouseError, match="there is no load 99"):
        _clean(url, 99)


def test_no_staging_table_is_left_after_cleaning(url: str, connection: Connection) -> None:
    _bring_in(url, CHURN_CSV)
    query = "SELECT count(*) FROM pg_class WHERE relname LIKE 'staging%'"
    assert _one(connection, query) == 0


def test_a_load_that_was_interrupted_leaves_nothing(
    url: str, connection: Connection, write: Write
) -> None:
    path = write(_csv(read_rows()[:20]))
    with pytest.raises(KeyboardInterrupt), connect(url) as other:  # noqa: PT012
        load_csv(other, path)
        raise KeyboardInterrupt
    assert _one(connection, "SELECT count(*) FROM loads") == 0
    assert _bring_in(url, path).inserted == 20


def test_the_last_load_counts_only_once_it_is_clean(url: str, write: Write) -> None:
    path = write(_csv(read_rows()[:20]))
    done = _bring_in(url, path).load_id
    _load(url, path)
    with connect(url) as connection:
        assert latest_load(connection) == done


def _partitions(connection: Connection) -> set[str]:
    query = "SELECT inhrelid::regclass::text FROM pg_inherits JOIN pg_class ON oid = inhparent"
    rows = _all(connection, f"{query} WHERE relname = 'prediction_logs'")
    return {str(name) for (name,) in rows}


def test_predictions_have_a_partition_for_this_month_and_the_next_twelve(
    url: str, connection: Connection
) -> None:
    now = datetime.now(UTC)
    months = [(now.year * 12 + now.month - 1 + ahead) for ahead in range(13)]
    expected = {f"prediction_logs_{m // 12}_{m % 12 + 1:02}" for m in months}
    assert url
    assert expected <= _partitions(connection)


def test_partitions_go_on_over_the_turn_of_the_year(database_url: str) -> None:
    with connect(database_url) as connection:
        create_tables(connection, today=date(2031, 12, 31))
        create_tables(connection, today=date(2032, 1, 1))
        names = _partitions(connection)
    assert {"prediction_logs_2031_11", "prediction_logs_2031_12", "prediction_logs_2032_01"} < names
    assert "prediction_logs_2033_01" in names


_INSERT = """
INSERT INTO prediction_logs
(prediction_id, predicted_at, model_version, probability_churn, prediction, threshold, features)
VALUES (gen_random_uuid(), now(), 'v1', 0.5, 1, 0.5, '{}')
"""


def test_the_service_may_add_predictions_and_read_customers(url: str, serving_url: str) -> None:
    _bring_in(url, CHURN_CSV)
    with connect(serving_url) as connection:
        connection.execute(_INSERT)
        assert _one(connection, "SELECT count(*) FROM customers") == 7_043


FORBIDDEN = (
    "DELETE FROM customers",
    "UPDATE customers SET churn = NOT churn",
    "INSERT INTO customers SELECT * FROM customers",
    "TRUNCATE customers",
    "DROP TABLE customers",
    "DELETE FROM prediction_logs",
    "UPDATE prediction_logs SET prediction = 0",
    "SELECT * FROM loads",
    "UPDATE model_versions SET version = 'x'",
    "CREATE TABLE mine (x int)",
)


def test_the_service_may_change_nothing_else(url: str, serving_url: str) -> None:
    assert url
    with connect(serving_url) as connection:
        for query in FORBIDDEN:
            refused = pytest.raises(psycopg.errors.InsufficientPrivilege)
            with refused, connection.transaction():
                connection.execute(query)
