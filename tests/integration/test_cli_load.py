"""``churn load FILE``: what it prints, and what the options do."""

import re
import subprocess

import psycopg

from churn.warehouse.cleaning.load_report import read_report
from churn.warehouse.connect import Connection, connect
from tests.command import Churn
from tests.customer_file import CHURN_CSV, read_rows
from tests.loading import Write, csv_text, everything, many_lines

ROWS = read_rows()[:60]


def _said(finished: subprocess.CompletedProcess[str]) -> str:
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def test_the_command_prints_the_report_that_the_database_keeps(churn: Churn) -> None:
    printed = _said(churn("load", CHURN_CSV))
    with connect(churn.database_url) as connection:
        assert printed.strip() == str(read_report(connection, 1))
    for line in (
        f"load 1: PASS  {CHURN_CSV}",
        "  rows       7,043 = 7,043 accepted + 0 rejected",
        "  read as    utf-8, separator comma, decimal dot, thousands comma; snapshot of ",
    ):
        assert line in printed


def test_the_same_file_again_prints_the_first_report_and_the_reason(churn: Churn) -> None:
    first = _said(churn("load", CHURN_CSV))
    again = churn("load", CHURN_CSV)
    assert _said(again).splitlines()[1:] == first.splitlines()[1:]
    assert "was loaded before, as load 1" in again.stderr
    assert "load 2: PASS" in _said(churn("load", CHURN_CSV, "--again"))


def test_a_file_that_was_loaded_before_is_reported(churn: Churn, write: Write) -> None:
    path = write(csv_text(ROWS))
    _said(churn("load", path))
    again = churn("load", path)
    assert f"load 1: PASS  {path}  (done before, nothing to do)" in _said(again)
    assert "`--again`" in again.stderr
    assert "rows in the staging table" not in again.stderr


def test_more_rejected_rows_than_are_shown_are_counted(churn: Churn, write: Write) -> None:
    rows = [{**row, "tenure": "x"} if i < 8 else row for i, row in enumerate(ROWS)]
    said = _said(churn("load", write(csv_text(rows)), "--limit-rejected", "0.2"))
    assert said.splitlines()[-1] == "  and 5 more in rejected_rows"


def test_a_stopped_load_ends_in_an_error_and_its_report(
    churn: Churn, connection: psycopg.Connection, write: Write
) -> None:
    path = write(csv_text([{**row, "tenure": "x"} for row in ROWS]))
    finished = churn("load", path)
    assert finished.returncode == 1
    assert "churn: no customer was changed" in finished.stderr
    assert f"load 1: STOP  {path}" in finished.stderr
    assert "line 2     tenure: expected a whole number" in finished.stderr
    assert "Traceback" not in finished.stderr
    assert connection.execute("SELECT verdict FROM loads").fetchall() == [("stop",)]


def test_how_a_file_is_written_can_be_given_by_options(churn: Churn, write: Write) -> None:
    path = write(csv_text(ROWS, delimiter="|").encode("cp1252"))
    options = ("--encoding", "cp1252", "--separator", "|", "--decimal", ".")
    printed = _said(churn("load", path, *options, "--snapshot-date", "2026-01-31"))
    assert "cp1252, separator pipe, decimal dot" in printed
    assert "snapshot of 2026-01-31 (set by hand)" in printed


def test_the_limit_and_the_replacement_are_options(
    churn: Churn, connection: Connection, write: Write
) -> None:
    rows = read_rows()[:700]
    half = [{**row, "tenure": "x"} if i < 300 else row for i, row in enumerate(rows)]
    _said(churn("load", write(csv_text(rows), "all.csv")))
    path = write(csv_text(half[:600]))
    _said(churn("load", path, "--limit-rejected", "0.7", "--replace", "--allow-change"))
    counts = everything(connection, "SELECT accepted, rejected, removed FROM loads WHERE load_id=2")
    assert counts == [(300, 300, 100)]


def test_a_folder_prints_a_report_for_each_file(churn: Churn, write: Write) -> None:
    write(csv_text(ROWS[:30]), "exports/a.csv")
    folder = write(csv_text(ROWS[30:]), "exports/b.csv").parent
    printed = _said(churn("load", folder))
    assert [line.split("/")[-1] for line in printed.splitlines() if line.startswith("load")] == [
        "a.csv",
        "b.csv",
    ]


def test_a_folder_stops_at_the_file_that_the_gate_stops(
    churn: Churn, connection: Connection, write: Write
) -> None:
    write(csv_text(ROWS[:20]), "exports/a.csv")
    write(csv_text([{**row, "tenure": "x"} for row in ROWS[20:40]]), "exports/b.csv")
    folder = write(csv_text(ROWS[40:]), "exports/c.csv").parent
    assert churn("load", folder).returncode == 1
    verdicts = everything(connection, "SELECT verdict FROM loads ORDER BY load_id")
    assert verdicts == [("pass",), ("stop",), (None,)]
    assert everything(connection, "SELECT count(*) FROM customers") == [(20,)]


def test_progress_is_shown_while_a_long_file_is_read(churn: Churn, write: Write) -> None:
    said = churn("load", write(many_lines(400_000) + b"\n\n")).stderr
    told = re.findall(r"customers.csv: [\d,]+ rows, \d+ MB; [\d,]+ rows/s, \d+ MB/s", said)
    assert told, said
    assert re.search(r"load 1: 400,000 rows checked and written, [\d,]+ rows/s", said)


def test_a_file_name_that_the_terminal_cannot_show_is_escaped(churn: Churn, write: Write) -> None:
    path = write(csv_text(ROWS), "客户.csv")
    finished = churn.process("load", path, PYTHONIOENCODING="cp1252")
    assert r"/\u5ba2\u6237.csv" in _said(finished)


def test_how_many_customers_a_load_may_lose_is_a_setting(churn: Churn, write: Write) -> None:
    rows = read_rows()[:700]
    _said(churn("load", write(csv_text(rows), "all.csv")))
    fewer = write(csv_text(rows[:500]), "fewer.csv")
    stopped = churn("load", fewer)
    assert stopped.returncode == 1
    assert "28.6% fewer, over the limit of 10.0%" in stopped.stderr
    assert "load 3: PASS" in _said(churn("load", fewer, CHURN_LIMIT_LOST="0.3"))
