import csv
import io
import re
import subprocess
from pathlib import Path

import psycopg
import pytest

from churn.customer.parsing import parse_customer
from tests.command import Churn
from tests.customer_file import CHURN_CSV, conditioner, package, read_rows

NOWHERE = "postgresql://churn@127.0.0.1:1/churn"
VERSION = r"\d{8}T\d{6}Z-[0-9a-f]{8}"


@pytest.fixture
def offline(tmp_path: Path) -> Churn:
    """An installation without a database and with one model."""
    churn = Churn(tmp_path, NOWHERE)
    churn.store.write_candidate(package().manifest, package().files)
    churn.store.publish(package().manifest.version)
    return churn


@pytest.fixture
def few(tmp_path: Path) -> Path:
    """A file of a tenth of the customers, for what does not depend on their number."""
    path = tmp_path / "few.csv"
    path.write_bytes(b"".join(CHURN_CSV.read_bytes().splitlines(keepends=True)[:701]))
    return path


def _lines(text: str) -> list[str]:
    return text.strip().splitlines()


def _refused(finished: subprocess.CompletedProcess[str]) -> str:
    """Return the one line that an expected failure ends with."""
    assert finished.returncode == 1, finished.stderr
    assert finished.stdout == ""
    assert "Traceback" not in finished.stderr
    said = [line for line in _lines(finished.stderr) if not line.startswith("== ")]
    assert len(said) == 1, finished.stderr
    assert said[0].startswith("churn: ")
    return said[0]


@pytest.mark.slow
def test_run_loads_trains_and_publishes_and_prints_the_version(
    churn: Churn, connection: psycopg.Connection
) -> None:
    finished = churn("run", CHURN_CSV)
    assert finished.returncode == 0, finished.stderr
    (version,) = _lines(finished.stdout)
    assert re.fullmatch(VERSION, version)
    assert churn.store.current() == version
    for step in ("create_tables", "load_csv", "clean", "train", "decide", "publish"):
        assert f"== {step}" in finished.stderr
    counted = connection.execute("SELECT count(*), count(*) FILTER (WHERE churn) FROM customers")
    assert counted.fetchone() == (7_043, 1_869)
    recorded = connection.execute("SELECT version, load_id FROM model_versions").fetchall()
    assert recorded == [(version, 1)]

    again = churn("run", CHURN_CSV)
    assert again.returncode == 0, again.stderr
    assert _lines(again.stdout) == [version]
    assert churn.store.versions() == (version,)
    assert "unchanged: data and code give" in again.stderr
    assert "== publish" not in again.stderr
    counted = connection.execute("SELECT count(*), max(load_id) FROM customers")
    assert counted.fetchone() == (7_043, 1)


@pytest.mark.slow
def test_a_dry_run_trains_and_leaves_the_pointer(churn: Churn, few: Path) -> None:
    finished = churn("run", few, "--dry-run")
    assert finished.returncode == 0, finished.stderr
    (version,) = _lines(finished.stdout)
    assert churn.store.candidate(version).is_dir()
    assert not churn.store.pointer.exists()
    assert "== publish" not in finished.stderr


@pytest.mark.slow
def test_the_steps_one_by_one_do_the_same(churn: Churn, few: Path) -> None:
    assert churn("load", few).returncode == 0
    version = churn("train").stdout.strip()
    assert not churn.store.pointer.exists()
    assert churn("publish", version).stdout.strip() == version
    assert churn.store.current() == version


def test_publishing_a_truncated_candidate_is_one_line_and_leaves_the_old_one(churn: Churn) -> None:
    churn("create-tables")
    candidate = churn.store.write_candidate(package().manifest, package().files)
    (candidate / "card.md").write_text("torn")
    assert "its SHA-256 is not the manifest's" in _refused(churn("publish", candidate.name))
    assert not churn.store.pointer.exists()


def test_publishing_what_there_is_not_is_one_line(churn: Churn) -> None:
    churn("create-tables")
    assert "no-such-version" in _refused(churn("publish", "no-such-version"))


def test_a_missing_file_is_one_line_that_names_it(churn: Churn) -> None:
    line = _refused_after_steps(churn("run", "nothing.csv"))
    assert "nothing.csv: there is no such file" in line


def test_an_empty_file_is_one_line_that_names_it(churn: Churn, tmp_path: Path) -> None:
    path = tmp_path / "empty.csv"
    path.touch()
    assert f"{path}: the file is empty" in _refused_after_steps(churn("run", path))


def _refused_after_steps(finished: subprocess.CompletedProcess[str]) -> str:
    """Return the one line that a failure in a later step ends with."""
    assert finished.returncode == 1, finished.stderr
    assert finished.stdout == ""
    assert "Traceback" not in finished.stderr
    (line,) = [line for line in _lines(finished.stderr) if line.startswith("churn: ")]
    assert _lines(finished.stderr)[-1] == line
    return line


@pytest.mark.parametrize("command", [("run", str(CHURN_CSV)), ("load", str(CHURN_CSV)), ("train",)])
def test_a_database_that_is_away_is_one_line(offline: Churn, command: tuple[str, ...]) -> None:
    assert "PostgreSQL is not reachable" in _refused(offline(*command))


def test_no_database_at_all_is_one_line_that_states_how_to_start_one(offline: Churn) -> None:
    line = _refused(offline("train", CHURN_DATABASE_URL=""))
    assert "CHURN_DATABASE_URL is not set" in line
    assert "make up" in line


def test_a_malformed_database_address_is_one_line(offline: Churn) -> None:
    _refused(offline("train", CHURN_DATABASE_URL="nonsense"))


@pytest.mark.parametrize("scheme", ["postgresql//", "postgres:/"])
def test_a_malformed_database_address_does_not_show_its_password(
    offline: Churn, scheme: str
) -> None:
    address = f"{scheme}churn:hunter2@127.0.0.1:1/churn"
    assert "hunter2" not in _refused(offline("train", CHURN_DATABASE_URL=address))


def test_a_database_without_tables_is_one_line(churn: Churn) -> None:
    assert "churn migrate" in _refused(churn("train"))


@pytest.mark.slow
def test_a_model_store_that_cannot_be_written_is_one_line(
    churn: Churn, few: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    finished = churn("run", few, CHURN_MODEL_STORE=str(tmp_path / "file" / "models"))
    _refused_after_steps(finished)


def test_a_state_folder_that_cannot_be_read_is_one_line(churn: Churn, tmp_path: Path) -> None:
    (tmp_path / "stack.env").write_bytes(b"\xff\xfe")
    assert "stack.env" in _refused(churn("train"))


def test_the_list_of_models_has_a_star_at_the_live_version(offline: Churn) -> None:
    offline.store.write_candidate(package(2).manifest, package(2).files)
    offline.store.publish(package(2).manifest.version)
    listed = offline("models", "list").stdout.splitlines()
    assert listed[0].startswith(f"  {package(1).manifest.version}  AUC 0.85")
    assert listed[1].startswith(f"* {package(2).manifest.version}  AUC 0.85")
    assert all("fitted on 5,632 customers, 1,411 held out" in line for line in listed)


def test_an_empty_store_lists_nothing(churn: Churn) -> None:
    finished = churn("models", "list")
    assert (finished.returncode, finished.stdout) == (0, "")


def test_a_model_is_shown_by_its_card(offline: Churn) -> None:
    card = package().files["card.md"].decode()
    assert offline("models", "show").stdout.strip() == card.strip()
    assert offline("models", "show", package().manifest.version).stdout.strip() == card.strip()


def test_a_model_that_there_is_not_is_one_line(offline: Churn) -> None:
    assert "no-such-version" in _refused(offline("models", "show", "no-such-version"))
    assert "is not a name in a model store" in _refused(offline("models", "show", "../x"))


def test_a_file_is_scored_and_unreadable_rows_are_alone_in_their_error(
    offline: Churn, tmp_path: Path
) -> None:
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    rows = [dict(row) for row in read_rows()[:20]]
    rows[3]["tenure"], rows[7]["Contract"] = "many", "forever"
    with source.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    finished = offline("score", source, target)
    assert finished.returncode == 0, finished.stderr
    assert "18 scored, 2 could not be read" in finished.stderr
    with target.open(encoding="utf-8", newline="") as file:
        scored = list(csv.DictReader(file))
    assert [row["customer_id"] for row in scored] == [row["customerID"] for row in rows]
    assert [i for i, row in enumerate(scored) if row["error"]] == [3, 7]
    assert "tenure='many'" in scored[3]["error"]
    sound = [row for row in scored if not row["error"]]
    assert {row["contact"] for row in sound} == {"0", "1"}
    for row in sound:
        assert row["prediction"] == str(int(float(row["probability_churn"]) >= 0.5))
        assert row["contact"] == str(int(float(row["expected_profit"]) > 0))


def test_a_scored_file_may_come_from_and_go_to_the_streams(offline: Churn) -> None:
    finished = offline.process("score", "-", "-", stdin="customer_id,tenure\nA,5\n")
    (row,) = csv.DictReader(io.StringIO(finished.stdout))
    expected = conditioner().score(parse_customer({"tenure": 5})).probability
    assert float(row["probability_churn"]) == expected


def test_scoring_without_a_model_is_one_line(churn: Churn) -> None:
    assert "no model has been published yet" in _refused(churn("score", CHURN_CSV, "-"))


def test_scoring_a_file_that_there_is_not_names_it(offline: Churn) -> None:
    finished = offline("score", "nothing.csv", "-")
    assert finished.returncode != 0
    assert "nothing.csv" in finished.stderr
    assert "Traceback" not in finished.stderr


def test_scoring_a_file_of_another_encoding_is_one_line(offline: Churn, tmp_path: Path) -> None:
    path = tmp_path / "latin.csv"
    path.write_bytes(b"customer_id,tenure\nAn\xe9,5\n")
    assert "latin.csv" in _refused_after_steps(offline("score", path, tmp_path / "out.csv"))


def test_the_data_dictionary_is_printed(offline: Churn) -> None:
    written = CHURN_CSV.with_name("data_dictionary.md").read_text(encoding="utf-8")
    assert offline("data-dictionary").stdout == written
