"""What commands print for scripts, as a script reads it."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from local.postgres import Server
from tests.command import Churn
from tests.customer_file import CHURN_CSV, package

pytestmark = pytest.mark.slow

NOWHERE = "postgresql://churn@127.0.0.1:1/churn"


@pytest.fixture
def few(tmp_path: Path) -> Path:
    """A file of a tenth of the customers."""
    path = tmp_path / "few.csv"
    path.write_bytes(b"".join(CHURN_CSV.read_bytes().splitlines(keepends=True)[:701]))
    return path


@pytest.fixture
def offline(tmp_path: Path) -> Churn:
    """An installation without a database and with one model."""
    churn = Churn(tmp_path, NOWHERE)
    churn.store.write_candidate(package().manifest, package().files)
    churn.store.publish(package().manifest.version)
    return churn


def _json(churn: Churn, *arguments: str | Path, code: int = 0) -> Any:
    finished = churn(*arguments, "--json")
    assert finished.returncode == code, finished.stderr
    assert "Traceback" not in finished.stderr
    return json.loads(finished.stdout)


def test_every_command_on_a_run_and_its_record_prints_json(churn: Churn, few: Path) -> None:
    (loaded,) = _json(churn, "load", few)
    assert (loaded["rows"], loaded["counts"]["accepted"]) == (700, 700)
    version = _json(churn, "train")["version"]
    assert _json(churn, "decide", version)["promote"] is True
    done = _json(churn, "run", few)
    assert done["version"] == churn.store.current()
    assert done["decision"]["reason"]
    assert done["loads"][0]["done_before"] is True
    (listed,) = _json(churn, "models", "list")
    assert (listed["version"], listed["live"]) == (done["version"], True)
    assert _json(churn, "models", "show")["version"] == done["version"]
    events = _json(churn, "models", "events")
    assert [event["kind"] for event in events] == ["proposed", "promoted"]
    now = datetime.now(UTC).isoformat()
    assert _json(churn, "models", "at", now)["event_id"] == events[-1]["event_id"]
    assert _json(churn, "models", "verify") == {"events": 2}
    assert all(finding["ok"] for finding in _json(churn, "doctor"))


def test_a_record_that_was_changed_is_an_error_in_json(
    churn: Churn, few: Path, postgres_server: Server, database_name: str
) -> None:
    assert churn("run", few).returncode == 0
    url = postgres_server.url(database_name)
    with psycopg.connect(url, autocommit=True) as superuser:
        superuser.execute("ALTER TABLE model_events DISABLE TRIGGER ALL")
        superuser.execute("UPDATE model_events SET reason = 'another' WHERE event_id = 1")
    assert "event 1" in _json(churn, "models", "verify", code=1)["error"]


def test_a_load_that_the_gate_stops_is_an_error_in_json(churn: Churn, tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("customerID,tenure\nA,many\nB,more\n")
    assert "error" in _json(churn, "load", tmp_path / "bad.csv", code=1)
    assert "error" in _json(churn, "run", tmp_path / "bad.csv", code=1)


def test_without_a_database_each_command_that_needs_it_prints_its_error(offline: Churn) -> None:
    version = offline.store.current()
    commands = [
        ("load", CHURN_CSV), ("run", CHURN_CSV), ("train",), ("decide", version),
        ("models", "events"), ("models", "verify"), ("models", "at", "2026-01-01"),
        ("monitor",), ("alarms", "list"), ("outcomes", "count"), ("simulate",),
    ]  # fmt: skip
    for command in commands:
        assert list(_json(offline, *command, code=1)) == ["error"]
    troubles = [one["subject"] for one in _json(offline, "doctor", code=1) if not one["ok"]]
    assert troubles == ["warehouse"]
    assert _json(offline, "models", "list")[0]["version"] == version


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["models", "show", "20990101T000000Z-00000000"], 1),
        (["models", "at", "yesterday"], 1),
        (["load", "no-such-file.csv"], 1),
        (["load", "x.csv", "--separator", "what"], 2),
        (["decide"], 2),
        (["models", "no-such-command"], 2),
    ],
)
def test_a_wrong_command_prints_its_error_and_keeps_its_exit_code(
    offline: Churn, command: list[str], code: int
) -> None:
    assert list(_json(offline, *command, code=code)) == ["error"]
    without = offline(*command)
    assert (without.returncode, without.stdout) == (code, "")


def test_a_refused_version_is_listed_with_its_reason(offline: Churn) -> None:
    folder = offline.store.published(offline.store.current())
    (folder / "scorecard.json").chmod(0o644)
    (folder / "scorecard.json").write_text("{}")
    (listed,) = _json(offline, "models", "list")
    assert listed["refused"]
    assert listed["cross_validation"] == {}


def test_keys_are_listed_without_their_hashes(offline: Churn) -> None:
    assert offline("keys", "add", "shop").returncode == 0
    (listed,) = _json(offline, "keys", "list")
    assert (listed["name"], listed["scopes"], listed["live"]) == ("shop", ["predict"], True)
    assert "sha256" not in listed


def test_json_is_read_on_a_terminal_that_is_not_utf_8(offline: Churn) -> None:
    finished = offline.process("models", "at", "mañana", "--json", PYTHONIOENCODING="ascii")
    assert finished.returncode == 1
    assert "'mañana'" in json.loads(finished.stdout)["error"]


def test_the_status_of_a_stack_that_is_down_is_json(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "CHURN_HOME": str(tmp_path / "none")}
    command = [sys.executable, "-m", "local", "status", "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert list(found) == ["error"]
    assert found["error"] in done.stderr
