"""``churn rejected``: rows that were not accepted are listed, exported, repaired and loaded."""

import csv
import subprocess
from pathlib import Path

import pytest

from churn.warehouse.connect import Connection
from tests.command import Churn
from tests.customer_file import read_rows
from tests.loading import Row, Write, csv_text, everything, number

ROWS = read_rows()[:300]
SPOILT: list[Row] = [
    {**row, **({"tenure": "x"} if i < 4 else {"Contract": "Weekly"} if i < 7 else {})}
    for i, row in enumerate(ROWS)
]


def _said(finished: subprocess.CompletedProcess[str]) -> str:
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def _repair(path: Path, delimiter: str) -> None:
    """Set the values as a person does, and leave the reasons where they are."""
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, delimiter=delimiter)
        rows, headers = list(reader), list(reader.fieldnames or ())
    original = {row["customerID"]: row for row in ROWS}
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, headers, delimiter=delimiter)
        writer.writeheader()
        for row in rows:
            good = original[row["customerID"]]
            writer.writerow({**row, **{h: good.get(h, row[h]) for h in headers}})


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_rejected_rows_are_exported_repaired_and_all_accepted(
    churn: Churn, connection: Connection, write: Write, tmp_path: Path, delimiter: str
) -> None:
    rows = [{"note": 'a "quoted" one,;|\tand\nmore', **row} for row in SPOILT]
    _said(churn("load", write(csv_text(rows, delimiter=delimiter), "day_2026-10-01.csv")))
    assert number(connection, "SELECT rejected FROM loads WHERE load_id = 1") == 7
    output = tmp_path / "rejected.csv"
    exported = churn("rejected", "1", "--output", output)
    assert _said(exported) == ""
    assert f"churn load {output} --snapshot-date 2026-10-01" in exported.stderr
    header = output.read_text(encoding="utf-8").splitlines()[0]
    assert header.split(delimiter) == ["rejected_because", *rows[0]]
    _repair(output, delimiter)
    printed = _said(churn("load", output, "--snapshot-date", "2026-10-01"))
    assert "load 2: PASS" in printed
    assert "7 = 7 accepted + 0 rejected" in printed
    assert number(connection, "SELECT count(*) FROM customers") == len(ROWS)
    assert everything(connection, "SELECT count(*) FROM customer_history") == [(0,)]


def test_rows_that_stay_as_they_are_are_rejected_again_for_the_same_reasons(
    churn: Churn, write: Write, tmp_path: Path
) -> None:
    _said(churn("load", write(csv_text(SPOILT))))
    _said(churn("rejected", "--output", tmp_path / "one.csv"))
    assert churn("load", tmp_path / "one.csv").returncode == 1
    _said(churn("rejected", "2", "--output", tmp_path / "two.csv"))
    assert (tmp_path / "two.csv").read_text() == (tmp_path / "one.csv").read_text()


def test_the_rejected_rows_are_listed_with_line_and_reasons(churn: Churn, write: Write) -> None:
    path = write(csv_text(SPOILT))
    _said(churn("load", path))
    listed = _said(churn("rejected")).splitlines()
    assert listed[0] == f"load 1: 7 rejected rows of {path}"
    assert listed[1].startswith("  line 2     tenure: expected a whole number")
    assert ROWS[0]["customerID"] in listed[2]
    assert _said(churn("rejected", "1")).splitlines() == listed


def test_a_line_that_is_no_row_is_exported_with_its_cells(
    churn: Churn, write: Write, tmp_path: Path
) -> None:
    lines = csv_text(ROWS).splitlines()
    lines[3] = ",".join(lines[3].split(",")[:-2])
    lines[5] = lines[5].replace("Female", '"Fem').replace("Male", '"Ma')
    _said(churn("load", write("\n".join(lines) + "\n")))
    _said(churn("rejected", "--output", tmp_path / "rejected.csv"))
    with (tmp_path / "rejected.csv").open(newline="") as file:
        exported = list(csv.reader(file))
    assert [row[1] for row in exported[1:]] == [ROWS[2]["customerID"], ROWS[4]["customerID"]]
    assert all(row[0] for row in exported[1:])


def test_a_row_of_a_customer_who_was_accepted_from_another_is_left_out(
    churn: Churn, write: Write, tmp_path: Path
) -> None:
    _said(churn("load", write(csv_text([{**ROWS[0], "tenure": "5"}, *SPOILT[4:], ROWS[0]]))))
    exported = churn("rejected", "--output", tmp_path / "rejected.csv")
    assert "1 left out: their customer was accepted from another row" in exported.stderr
    assert len((tmp_path / "rejected.csv").read_text().splitlines()) == 1 + 3


def test_an_export_overwrites_no_file_and_may_go_to_standard_output(
    churn: Churn, write: Write
) -> None:
    path = write(csv_text(SPOILT))
    before = path.read_bytes()
    _said(churn("load", path))
    refused = churn("rejected", "--output", path)
    assert refused.returncode == 1
    assert f"{path} is there already" in refused.stderr
    assert path.read_bytes() == before
    assert len(_said(churn.process("rejected", "--output", "-")).splitlines()) == 8
    assert "cannot be written" in churn("rejected", "--output", path / "x.csv").stderr


def test_control_characters_of_a_file_do_not_reach_the_terminal(churn: Churn, write: Write) -> None:
    rows = [{**row, "tenure": "\x1b[2Jx"} if i < 2 else row for i, row in enumerate(ROWS)]
    _said(churn("load", write(csv_text(rows))))
    assert "\x1b" not in _said(churn("rejected"))
    assert "\\x1b[2Jx" in _said(churn("rejected"))


def test_a_load_that_is_not_there_is_named(churn: Churn, write: Write) -> None:
    _said(churn("create-tables"))
    assert "there is no load with rejected rows" in churn("rejected").stderr
    assert "there is no load 7" in churn("rejected", "7").stderr
    _said(churn("load", write(csv_text(ROWS))))
    assert "load 1: 0 rejected rows" in _said(churn("rejected", "1"))


def test_a_relative_path_is_looked_up_here_first_and_then_in_the_data_folder(
    churn: Churn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, here = tmp_path / "data", tmp_path / "here"
    data.mkdir()
    here.mkdir()
    monkeypatch.chdir(here)
    (data / "both.csv").write_text(csv_text(ROWS))
    (data / "exports").mkdir()
    (data / "exports" / "one.csv").write_text(csv_text(ROWS[:50]))
    where = {"CHURN_DATA": str(data)}
    for name, found in (
        ("both.csv", data / "both.csv"),
        ("data/exports", data / "exports" / "one.csv"),
        ("exports/*.csv", data / "exports" / "one.csv"),
    ):
        assert str(found) in _said(churn("load", name, "--again", "--allow-change", **where)), name
    (here / "both.csv").write_text(csv_text(ROWS[:60]))
    assert "60 = 60 accepted" in _said(churn("load", "both.csv", "--allow-change", **where))
    missing = churn("load", "nothing.csv", **where)
    assert missing.returncode == 1
    assert f"in the current directory or in {data}, which has both.csv" in missing.stderr
