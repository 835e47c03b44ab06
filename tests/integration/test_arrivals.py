"""A night loads the files of the data folder that are new, in the order of their days."""

import logging
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from churn.core.errors import DataQualityError
from churn.pipeline import model_steps, steps
from churn.pipeline.arrivals import QUIET_SECONDS, find_new
from churn.registry.store import ModelStore
from churn.warehouse.cleaning.gate import Terms
from churn.warehouse.connect import Connection, connect
from tests.customer_file import CHURN_CSV, read_rows
from tests.loading import Write, csv_text, everything, number

ROWS = read_rows()[:700]
Night = Callable[..., list[str]]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder."""
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


@pytest.fixture
def put(data: Path) -> Write:
    """Put a file there that was written an hour ago."""

    def put(content: str | bytes, name: str = "customers.csv") -> Path:
        path = data / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        os.utime(path, (time.time() - 3_600,) * 2)
        return path

    return put


@pytest.fixture
def night(url: str, data: Path) -> Night:
    """Load and clean what is new; return the names of the files."""

    def night(where: Path = data, *, stopped: bool = False) -> list[str]:
        with connect(url) as connection:
            load_ids = steps.load_new(connection, where, stopped=stopped)
        with connect(url) as connection:
            steps.clean(connection, load_ids, Terms(allow_change=stopped))
        with connect(url) as connection:
            query = "SELECT file FROM loads WHERE load_id = any(%s) ORDER BY load_id"
            found = connection.execute(query, [load_ids]).fetchall()
        return [Path(str(name)).name for (name,) in found]

    return night


def _changed(months: int) -> str:
    return csv_text([{**row, "tenure": str(months + i % 60)} for i, row in enumerate(ROWS)])


def _sample(put: Write) -> Path:
    return put(CHURN_CSV.read_bytes(), "churn.csv")


def test_the_sample_is_loaded_only_where_no_other_file_is_there(put: Write, night: Night) -> None:
    _sample(put)
    assert night() == ["churn.csv"]
    assert night() == []
    own = [{**row, "customerID": f"own {row['customerID']}"} for row in ROWS]
    put(csv_text(own), "export_2026-10-31.csv")
    assert night() == ["export_2026-10-31.csv"]


def test_the_sample_is_never_loaded_next_to_a_companys_file(put: Write, night: Night) -> None:
    _sample(put)
    put(csv_text(ROWS), "export.csv")
    assert night() == ["export.csv"]
    assert night() == []


def test_several_new_files_are_loaded_in_the_order_of_their_days(
    put: Write, night: Night, connection: Connection
) -> None:
    put(_changed(3), "a_2026-10-03.csv")
    put(_changed(2), "b_2026-10-02.csv")
    put(_changed(1), "c_20261001.csv")
    assert night() == ["c_20261001.csv", "b_2026-10-02.csv", "a_2026-10-03.csv"]
    assert number(connection, "SELECT min(tenure) FROM customers") == 3


def test_a_file_without_a_day_in_its_name_is_of_the_day_it_was_written(
    put: Write, night: Night
) -> None:
    path = put(_changed(1), "old.csv")
    os.utime(path, (0, 0))
    put(_changed(2), "export_2026-10-02.csv")
    assert night() == ["old.csv", "export_2026-10-02.csv"]


def test_a_night_without_a_new_file_reports_it_and_loads_nothing(
    put: Write, night: Night, data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    assert night() == []
    assert f"there is no new customer file in {data}" in caplog.text
    path = put(csv_text(ROWS))
    assert night() == ["customers.csv"]
    shutil.copy(path, data / "copy.csv")
    os.utime(data / "copy.csv", (0, 0))
    assert night() == []


def test_the_same_bytes_under_the_name_of_a_later_day_count_again(put: Write, night: Night) -> None:
    put(csv_text(ROWS), "export_2026-10-01.csv")
    assert night() == ["export_2026-10-01.csv"]
    put(csv_text(ROWS), "export_2026-10-02.csv")
    assert night() == ["export_2026-10-02.csv"]
    assert night() == []


def test_a_file_that_the_gate_stopped_is_named_and_not_tried_again(
    put: Write, night: Night, caplog: pytest.LogCaptureFixture
) -> None:
    put(csv_text([{**row, "tenure": "x"} for row in ROWS]), "export_2026-10-01.csv")
    put(csv_text(ROWS), "export_2026-10-02.csv")
    with pytest.raises(DataQualityError, match="no customer was changed"):
        night()
    assert night() == ["export_2026-10-02.csv"]
    assert night() == []
    assert "export_2026-10-01.csv was stopped as load 1 and is not tried again" in caplog.text


def test_a_file_that_was_stopped_is_loaded_where_a_large_change_is_allowed(
    put: Write, night: Night
) -> None:
    put(csv_text(ROWS), "export_2026-10-01.csv")
    night()
    put(csv_text(ROWS[:400]), "export_2026-10-02.csv")
    with pytest.raises(DataQualityError, match=r"42\.9% fewer"):
        night()
    assert night(stopped=True) == ["export_2026-10-02.csv"]


def test_a_repaired_file_is_new(put: Write, night: Night) -> None:
    put(csv_text([{**row, "tenure": "x"} for row in ROWS]), "export.csv")
    with pytest.raises(DataQualityError):
        night()
    put(csv_text(ROWS), "export.csv")
    assert night() == ["export.csv"]


def test_a_file_that_is_still_written_to_is_left_for_the_next_run(
    url: str, put: Write, data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    put(csv_text(ROWS), "export_2026-10-01.csv")
    growing = put(csv_text(ROWS[:350]), "export_2026-10-02.csv")
    growing.touch()
    waits = []

    def copy_more(seconds: float) -> None:
        waits.append(seconds)
        with growing.open("a") as file:
            file.write("\n")

    with connect(url) as connection:
        found = find_new(connection, data, pause=copy_more)
    assert [path.name for path in found.paths] == ["export_2026-10-01.csv"]
    assert sum(waits) == 600
    assert "export_2026-10-02.csv is still being written" in caplog.text


def test_a_file_whose_copying_ends_is_loaded(url: str, put: Write, data: Path) -> None:
    growing = put(csv_text(ROWS[:350]))
    growing.touch()
    waits = []

    def copy_the_rest(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 1:
            growing.write_text(csv_text(ROWS))

    with connect(url) as connection:
        assert find_new(connection, data, pause=copy_the_rest).paths == (growing,)
    assert waits == [QUIET_SECONDS] * 2


def test_a_hidden_or_partly_copied_file_is_no_customer_file(put: Write, night: Night) -> None:
    for name in (".export.csv", "export.csv.part", "export.csv.tmp", "README.md"):
        put(csv_text(ROWS), name)
    assert night() == []


def test_a_file_that_cannot_be_read_does_not_keep_the_others(
    put: Write, night: Night, connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    put("a,b\n1,2\n", "a_2026-10-01.csv")
    put(csv_text(ROWS), "b_2026-10-02.csv")
    put(csv_text(ROWS), "c_2026-10-02_2026-10-03.csv")
    assert night() == ["b_2026-10-02.csv"]
    assert "a_2026-10-01.csv" in caplog.text
    assert everything(connection, "SELECT count(*) FROM loads") == [(1,)]
    with pytest.raises(DataQualityError, match="c_2026-10-02_2026-10-03"):
        night()


def test_a_pattern_chooses_among_the_files(put: Write, night: Night, data: Path) -> None:
    put(csv_text(ROWS), "export_2026-10-01.csv")
    put(_changed(2), "other_2026-10-02.csv")
    assert night(data / "export_*.csv") == ["export_2026-10-01.csv"]
    assert night(data / "nothing_*.csv") == []
    assert night(data / "missing.csv") == []


def test_customers_without_a_decision_call_for_a_model(
    url: str, put: Write, night: Night, tmp_path: Path
) -> None:
    store = ModelStore(tmp_path / "models")
    with connect(url) as connection:
        assert not model_steps.has_undecided(connection, store)
    put(csv_text(ROWS))
    night()
    with connect(url) as connection:
        assert model_steps.has_undecided(connection, store)
