"""What a file holds is shown escaped and cut: it can forge no line and move no cursor."""

import re
import threading
import zipfile
from pathlib import Path

import psycopg
import pytest

from churn.core.errors import InvalidCustomerError, Problem, plain, plain_list
from churn.customer.parsing import parse_customer
from churn.warehouse.connect import Connection
from tests.command import Churn
from tests.customer_file import read_rows
from tests.loading import Write, csv_text

ROWS = read_rows()[:60]
EVIL = "\x1b[2J\x1b]0;t\x07\nload 9: PASS  everything.csv\r\u202e\u2028\x9b31m\x7f"
CONTROLS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202e]")


def _require_plain(text: str, most: int = 6_000) -> None:
    assert not CONTROLS.search(text), ascii(text)
    assert not re.search("^load 9: PASS", text, re.MULTILINE), text
    assert len(text) < most, len(text)


FILES = {
    "a cell": [{**ROWS[0], "tenure": EVIL}, *ROWS[1:]],
    "a cell of megabytes": [{**ROWS[0], "gender": "x" * 3_000_000}, *ROWS[1:]],
    "an id": [{**ROWS[0], "customerID": EVIL}, *ROWS[1:]],
    "an extra column": [{**row, f"note{EVIL}": "x"} for row in ROWS],
    "a leak": [{**row, f"churn{EVIL}": "x"} for row in ROWS],
    "many extra columns": [{**row, **{f"{EVIL}{i}": "" for i in range(900)}} for row in ROWS],
    "long extra columns": [{**row, "e" * 500_000: "", "churn" * 90_000: ""} for row in ROWS],
    "a required column": [
        {(f"Contract{EVIL}" if k == "Contract" else k): v for k, v in row.items()} for row in ROWS
    ],
    "a last cell": [{**row, "note": EVIL * 9} for row in ROWS],
}


@pytest.mark.parametrize("name", FILES)
def test_what_a_file_holds_cannot_forge_a_report(churn: Churn, write: Write, name: str) -> None:
    text = csv_text(FILES[name])
    done = churn("load", write(text.rstrip("\r\n")), "--limit-rejected", "1")
    _require_plain(done.stdout)
    _require_plain(done.stderr)
    assert done.stdout or done.returncode


@pytest.mark.parametrize("good", [True, False])
def test_a_files_name_cannot_forge_a_report(churn: Churn, tmp_path: Path, good: bool) -> None:
    path = tmp_path / f"x{EVIL.replace('/', '')}.csv"
    path.write_text(csv_text(ROWS) if good else "a,b\n", encoding="utf-8")
    for command in (("load", path), ("load", path), ("load", f"{path}x"), ("doctor",)):
        done = churn(*command, CHURN_DATA=str(tmp_path))
        _require_plain(done.stdout + done.stderr)


def test_names_in_an_archive_cannot_forge_a_message(churn: Churn, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for i in range(9):
            archive.writestr(f"{EVIL}{i}{'y' * 9_000}", "x")
    done = churn("load", tmp_path / "a.zip")
    assert done.returncode == 1
    _require_plain(done.stderr)


def test_what_was_recorded_before_is_shown_escaped_too(
    churn: Churn, connection: Connection, write: Write
) -> None:
    churn("load", write(csv_text(ROWS)))
    connection.execute("UPDATE loads SET reasons = ARRAY[%s], file = %s", (EVIL, EVIL))
    done = churn("load", write(csv_text(ROWS)))
    _require_plain(done.stdout + done.stderr)


def test_a_field_that_a_request_names_is_shown_escaped_and_cut() -> None:
    with pytest.raises(InvalidCustomerError) as caught:
        parse_customer({EVIL + "x" * 100_000: EVIL})
    _require_plain(str(caught.value), 1_500)
    _require_plain(str(Problem(EVIL, EVIL * 1_000, "a number")), 500)


def test_plain_text_stays_as_it_is() -> None:
    assert plain("São João – 東京 'a' \\ \"b\"") == "São João – 東京 'a' \\ \"b\""  # noqa: RUF001
    assert plain("x" * 500, 10) == "xxxxxxxxxx... (500 characters)"
    assert plain_list(["a", "b\n", "c"], 2) == "a, b\\n and 1 more"


@pytest.mark.slow
def test_a_load_that_waits_shows_for_whom_and_repeats_it(
    churn: Churn, write: Write, database_url: str
) -> None:
    churn("create-tables")
    with psycopg.connect(database_url, application_name="churn: load of other.csv") as holder:
        holder.execute("SELECT pg_advisory_xact_lock(hashtext('churn.load'))")
        release = threading.Timer(8, holder.rollback)
        release.start()
        done = churn("load", write(csv_text(ROWS)))
        pid = holder.info.backend_pid
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stderr.splitlines() if " waits " in line]
    assert len(lines) == 2, done.stderr
    assert all(f"for churn: load of other.csv (PostgreSQL process {pid} of" in x for x in lines)
