"""What is loaded, from where, and what is refused before anything happens."""

import dataclasses
import os
from pathlib import Path

import pytest

from churn.core.errors import DataQualityError
from churn.pipeline import steps
from churn.warehouse.cleaning.gate import Terms
from churn.warehouse.connect import Connection, connect
from tests.customer_file import CHURN_CSV, CHURN_CSV_SHA256, read_rows
from tests.loading import (
    Write,
    bring_in,
    clean,
    counted,
    csv_text,
    everything,
    judged,
    load,
    number,
)

ROWS = read_rows()[:60]
REAL = CHURN_CSV.read_bytes()


def test_a_load_is_recorded_with_the_files_hash_and_size(url: str, connection: Connection) -> None:
    loaded = load(url, CHURN_CSV)
    (row,) = everything(connection, "SELECT load_id, file, sha256, bytes, rows FROM loads")
    size = CHURN_CSV.stat().st_size
    assert row == (loaded.load_id, str(CHURN_CSV), CHURN_CSV_SHA256, size, 7_043)


def test_a_load_is_recorded_with_who_and_when(url: str, connection: Connection) -> None:
    bring_in(url, CHURN_CSV)
    query = "SELECT loaded_by, loaded_at < finished_at, verdict FROM loads"
    assert everything(connection, query) == [("churn_pipeline", True, "pass")]


def test_the_same_bytes_are_not_loaded_again(
    url: str, connection: Connection, write: Write
) -> None:
    first = bring_in(url, CHURN_CSV)
    query = "SELECT customers.*, xmin::text FROM customers ORDER BY customer_id"
    before = everything(connection, query)
    again = load(url, write(REAL, "another_name.csv"))
    assert (again.load_id, again.rows, again.repeats) == (first.load_id, 7_043, True)
    assert clean(url, again.load_id) == dataclasses.replace(first, done_before=True)
    assert number(connection, "SELECT count(*) FROM loads") == 1
    assert everything(connection, query) == before


def test_the_same_bytes_are_loaded_again_on_request(url: str) -> None:
    bring_in(url, CHURN_CSV)
    again = bring_in(url, CHURN_CSV, again=True)
    assert again.load_id == 2
    assert (again.counts.accepted, again.counts.inserted, again.counts.updated) == (7_043, 0, 0)


def test_bytes_whose_load_was_stopped_may_come_again(url: str, write: Write) -> None:
    path = write(csv_text([{**row, "tenure": "x"} for row in ROWS]))
    assert judged(bring_in(url, path)).verdict.value == "stop"
    assert not load(url, path).repeats


def test_extra_columns_are_reported_and_left_out(
    url: str, connection: Connection, write: Write
) -> None:
    report = bring_in(url, write(csv_text([{"region": "N", **row} for row in ROWS])))
    assert report.extra_columns == ("region",)
    assert "left out   region" in str(report)
    assert everything(connection, "SELECT extra_columns FROM loads") == [(["region"],)]


def test_columns_that_leak_the_answer_are_left_out_and_flagged(url: str, write: Write) -> None:
    leaks = {"Churn Score": "90", "Churn Reason": "price", "CLTV": "4000", "attrition_flag": "1"}
    judgement = judged(bring_in(url, write(csv_text([{**row, **leaks} for row in ROWS]))))
    assert judgement.verdict.value == "flag"
    assert "Churn Score, Churn Reason, CLTV, attrition_flag" in judgement.reasons[0]


def test_a_file_without_total_charges_is_loaded_and_flagged(
    url: str, connection: Connection, write: Write
) -> None:
    rows = [{k: v for k, v in row.items() if k != "TotalCharges"} for row in ROWS]
    report = bring_in(url, write(csv_text(rows)))
    assert report.counts.accepted == len(ROWS)
    assert "lacks TotalCharges" in judged(report).reasons[0]
    assert number(connection, "SELECT count(total_charges) FROM customers") == 0


def _load_all(url: str, path: Path) -> list[int]:
    with connect(url) as connection:
        load_ids = steps.load_csv(connection, path)
    with connect(url) as connection:
        steps.clean(connection, load_ids)
    return load_ids


def test_a_folder_is_loaded_file_by_file_in_the_order_of_the_names(
    url: str, connection: Connection, write: Write
) -> None:
    write(csv_text(ROWS[20:40]), "exports/b.csv")
    folder = write(csv_text(ROWS[:30]), "exports/a.CSV").parent
    write("not for us", "exports/readme.md")
    assert _load_all(url, folder) == [1, 2]
    query = "SELECT file, rows, inserted FROM loads ORDER BY load_id"
    found = [(Path(str(f)).name, r, i) for f, r, i in everything(connection, query)]
    assert found == [("a.CSV", 30, 30), ("b.csv", 20, 10)]


def test_a_glob_is_loaded_file_by_file(url: str, connection: Connection, write: Write) -> None:
    for i in range(3):
        path = write(csv_text(ROWS[i * 20 : i * 20 + 20]), f"part_{i}.csv")
    assert _load_all(url, path.with_name("part_[01].csv")) == [1, 2]
    assert number(connection, "SELECT count(*) FROM customers") == 40


def test_a_folder_or_glob_without_files_is_refused_by_name(url: str, tmp_path: Path) -> None:
    for name in (tmp_path, tmp_path / "*.csv"):
        with pytest.raises(DataQualityError, match="there is no customer file"):
            _load_all(url, name)


def test_one_bad_file_in_a_folder_is_refused_with_all_the_others(
    url: str, connection: Connection, write: Write
) -> None:
    write(csv_text(ROWS), "exports/a.csv")
    folder = write("", "exports/b.csv").parent
    with pytest.raises(DataQualityError, match=r"b\.csv: the file is empty"):
        _load_all(url, folder)
    assert number(connection, "SELECT count(*) FROM loads") == 0


def test_several_files_cannot_each_replace_all_customers(url: str, write: Write) -> None:
    write(csv_text(ROWS), "exports/a.csv")
    folder = write(csv_text(ROWS), "exports/b.csv").parent
    with connect(url) as connection:
        load_ids = steps.load_csv(connection, folder)
        with pytest.raises(DataQualityError, match="whole customer base"):
            steps.clean(connection, load_ids, Terms(replace=True))


def test_a_file_is_found_by_name_path_or_glob_from_the_data_folder(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "a.csv").touch()
    for name in ("a.csv", "data/a.csv", str(data / "a.csv"), "*.csv", str(data / "*.csv")):
        steps.locate(name, data)
    with pytest.raises(DataQualityError, match=r"b\.csv: there is no such file .*has a\.csv"):
        steps.locate("b.csv", data)


def test_ibms_extended_file_is_loaded_by_its_own_names_and_its_leaks_left_out(
    url: str, write: Write
) -> None:
    names = {"tenure": "Tenure Months", "Churn": "Churn Label"}
    rows = [
        {
            **{names.get(k, k): v for k, v in row.items()},
            "Churn Value": "1" if row["Churn"] == "Yes" else "0",
            "Churn Score": "81",
            "CLTV": "3239",
            "Churn Reason": "Competitor made better offer",
        }
        for row in read_rows()[:60]
    ]
    report = bring_in(url, write(csv_text(rows)))
    assert counted(report) == (60, 0)
    assert judged(report).verdict.value == "flag"
    assert "Churn Value, Churn Score, CLTV, Churn Reason" in judged(report).reasons[0]


def test_a_glob_that_names_the_data_folder_is_found(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "a.csv").touch()
    assert steps.locate("data/*.csv", data) == tmp_path / "data/*.csv"


def test_a_read_only_file_in_a_read_only_folder_is_loaded_and_left_as_it_was(
    url: str, connection: Connection, write: Write
) -> None:
    path = write(REAL, "mount/customers.csv")
    path.chmod(0o444)
    path.parent.chmod(0o555)
    before, folder = path.stat(), path.parent.stat()
    bring_in(url, path)
    path.parent.chmod(0o755)
    after = path.stat()
    assert (after.st_mtime_ns, after.st_size) == (before.st_mtime_ns, before.st_size)
    assert path.read_bytes() == REAL
    assert path.parent.stat().st_mtime_ns == folder.st_mtime_ns
    assert os.listdir(path.parent) == ["customers.csv"]  # noqa: PTH208
    assert number(connection, "SELECT count(*) FROM customers") == 7_043


def test_a_load_that_was_interrupted_leaves_nothing(
    url: str, connection: Connection, write: Write
) -> None:
    path = write(csv_text(ROWS))
    with pytest.raises(KeyboardInterrupt), connect(url) as other:  # noqa: PT012
        steps.load_csv(other, path)
        raise KeyboardInterrupt
    assert number(connection, "SELECT count(*) FROM loads") == 0
    assert bring_in(url, path).counts.inserted == len(ROWS)
