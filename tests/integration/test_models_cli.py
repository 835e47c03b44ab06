"""The commands on models, run as an operator does."""

import re
import subprocess
from pathlib import Path

import pytest

from churn.core.errors import ChurnError
from churn.registry import retention
from churn.registry.audit import audit
from churn.registry.store import ModelStore
from churn.warehouse.connect import Connection, connect
from tests.changed_file import write_changed
from tests.command import Churn
from tests.customer_file import FEW, package, version_of

pytestmark = pytest.mark.slow

FIRST, SECOND, THIRD = version_of(1), version_of(2), version_of(3)
WHY = ("--reason", "the board asked")


@pytest.fixture
def churn(tmp_path: Path, url: str) -> Churn:
    """An installation with tables and three candidates, the first of which serves."""
    churn = Churn(tmp_path, url)
    for day in (1, 2, 3):
        churn.store.write_candidate(package(day).manifest, package(day).files)
    assert churn("publish", FIRST).returncode == 0
    return churn


def _refused(finished: subprocess.CompletedProcess[str]) -> str:
    assert finished.returncode == 1, finished.stdout
    assert "Traceback" not in finished.stderr
    return finished.stderr.splitlines()[-1]


def test_promote_changes_what_is_served_and_records_who_and_why(churn: Churn) -> None:
    finished = churn("models", "promote", SECOND, *WHY)
    assert finished.returncode == 0, finished.stderr
    assert churn.store.current() == SECOND
    assert f"promoted  {SECOND} after {FIRST}  by " in finished.stdout
    assert re.search(r"by \S+@\S+, by command as churn_pipeline: the board asked", finished.stdout)


def test_a_reason_has_to_be_given(churn: Churn) -> None:
    for command in (("promote", SECOND), ("rollback",), ("pin", FIRST), ("unpin", FIRST)):
        finished = churn("models", *command)
        assert finished.returncode == 2
        assert "--reason" in finished.stderr
    assert churn.store.current() == FIRST


def test_rollback_goes_to_the_version_before_or_to_a_named_one(churn: Churn) -> None:
    for version in (SECOND, THIRD):
        churn("models", "promote", version, *WHY)
    assert churn("models", "rollback", *WHY).returncode == 0
    assert churn.store.current() == SECOND
    assert churn("models", "rollback", "--to", FIRST, *WHY).returncode == 0
    assert churn.store.current() == FIRST


def test_rollback_with_nothing_before_is_one_line(churn: Churn) -> None:
    assert "no other version served before" in _refused(churn("models", "rollback", *WHY))


def test_what_cannot_be_promoted_is_one_line_and_changes_nothing(churn: Churn) -> None:
    assert "no-such-version" in _refused(churn("models", "promote", "no-such-version", *WHY))
    (churn.store.candidate(SECOND) / "card.md").write_text("torn")
    assert "its SHA-256" in _refused(churn("models", "promote", SECOND, *WHY))
    assert churn.store.current() == FIRST


def test_promoting_the_live_version_is_reported(churn: Churn) -> None:
    assert "is the live version already" in churn("models", "promote", FIRST, *WHY).stdout


def test_the_list_shows_what_serves_what_is_pinned_and_what_is_refused(churn: Churn) -> None:
    churn("models", "promote", SECOND, *WHY)
    churn("models", "pin", FIRST, *WHY)
    churn("models", "promote", THIRD, *WHY)
    (churn.store.published(SECOND) / "card.md").write_text("torn")
    first, second, third = churn("models", "list").stdout.splitlines()
    assert first.startswith(f"  {FIRST}")
    assert first.endswith("held out, pinned")
    assert second.startswith(f"  {SECOND}  REFUSED: {SECOND}/card.md: its SHA-256")
    assert third.startswith(f"* {THIRD}")


def test_a_pinned_version_is_kept_and_an_unpinned_one_goes(churn: Churn) -> None:
    keep = {"CHURN_KEEP_NEWEST": "1", "CHURN_KEEP_SERVED_DAYS": "0"}
    churn("models", "pin", FIRST, *WHY)
    for version in (SECOND, THIRD):
        churn("models", "promote", version, *WHY)
    assert churn("models", "retire", **keep).stdout == f"removed {SECOND}\n"
    assert churn("models", "unpin", FIRST, *WHY).returncode == 0
    assert retention.pinned(churn.store) == frozenset()
    assert churn("models", "retire", **keep).stdout == f"removed {FIRST}\n"
    assert churn.store.versions() == (THIRD,)
    assert "is not pinned" in _refused(churn("models", "unpin", FIRST, *WHY))


def test_publishing_removes_what_the_settings_do_not_keep(churn: Churn) -> None:
    keep = {"CHURN_KEEP_NEWEST": "1", "CHURN_KEEP_SERVED_DAYS": "0"}
    assert churn("publish", SECOND, **keep).returncode == 0
    assert churn.store.versions() == (SECOND,)
    kinds = [line.split("  ")[2] for line in churn("models", "events").stdout.splitlines()]
    assert kinds == ["promoted", "promoted", "retired"]


def test_what_served_when_is_answered_with_who_and_why(
    churn: Churn, connection: Connection
) -> None:
    churn("models", "promote", SECOND, *WHY)
    query = "SELECT effective_at::text FROM model_events ORDER BY event_id"
    first, second = (str(row[0]) for row in connection.execute(query).fetchall())
    told = churn("models", "at", first).stdout
    assert told.startswith(f"{FIRST} served at 20")
    assert "published by hand" in told
    told = churn("models", "at", second).stdout
    assert told.startswith(f"{SECOND} served at 20")
    assert "the board asked" in told
    assert churn("models", "at", "2099-01-01T03:12Z").stdout.startswith(SECOND)
    assert "nothing served yet at 2001-01-01" in _refused(churn("models", "at", "2001-01-01"))
    assert "is not a moment such as" in _refused(churn("models", "at", "last Tuesday"))


def test_verify_reports_how_many_events_hold_and_names_the_first_that_does_not(
    churn: Churn, connection: Connection
) -> None:
    churn("models", "promote", SECOND, *WHY)
    assert churn("models", "verify").stdout == "2 events hold\n"
    connection.execute("GRANT UPDATE ON model_events TO current_user")
    connection.execute("ALTER TABLE model_events DISABLE TRIGGER ALL")
    connection.execute("UPDATE model_events SET reason = 'quite right' WHERE event_id = 2")
    churn("create-tables")  # puts the guard back
    finished = churn("models", "verify")
    assert finished.stdout == "1 events hold\n"
    assert f"event 2 (promoted {SECOND}): its content is not what" in _refused(finished)


def test_a_setting_that_is_not_right_is_one_line(churn: Churn) -> None:
    told = _refused(churn("models", "retire", CHURN_KEEP_NEWEST="many"))
    assert "CHURN_KEEP_NEWEST=many: expected a whole number" in told


def test_a_candidate_is_judged_without_a_trace(churn: Churn) -> None:
    finished = churn("decide", SECOND)
    assert "unchanged: data and code give" in finished.stdout
    assert churn("models", "events").stdout.count("\n") == 1
    assert churn.store.candidate(SECOND).exists()


@pytest.fixture
def stale(made: str, tmp_path: Path, database_url: str) -> Churn:
    """An installation whose customers have changed since the model that serves was trained."""
    churn = Churn(tmp_path, database_url)
    assert churn.store.current() == made
    write_changed(tmp_path / "customers.csv", rows=FEW)
    return churn


def test_where_promotion_is_manual_a_better_candidate_waits_for_a_person(
    stale: Churn, tmp_path: Path
) -> None:
    former = stale.store.current()
    waiting = stale("run", tmp_path / "customers.csv", "--allow-change", CHURN_PROMOTION="manual")
    assert waiting.stdout.strip() == stale.store.current() == former
    found = re.search(r"`churn models promote (\S+) --reason", waiting.stderr)
    assert found, waiting.stderr
    assert stale("models", "promote", found[1], *WHY).returncode == 0
    assert stale.store.current() == found[1]


def test_a_model_that_a_person_went_back_from_is_not_promoted_again_by_itself(
    stale: Churn, tmp_path: Path
) -> None:
    former = stale.store.current()
    better = stale("run", tmp_path / "customers.csv", "--allow-change").stdout.strip()
    assert better != former
    assert stale("models", "rollback", "--reason", "it frightens customers").returncode == 0
    again = stale("run", tmp_path / "customers.csv", "--allow-change")
    assert again.stdout.strip() == former
    assert f"keep: it is {better} again, which" in again.stderr
    assert "it frightens customers" in again.stderr
    assert stale("models", "promote", better, *WHY).returncode == 0
    with connect(stale.database_url) as connection:
        rows = connection.execute("SELECT kind FROM model_events ORDER BY event_id").fetchall()
    assert [str(row[0]) for row in rows] == [
        "proposed",
        "promoted",
        "proposed",
        "promoted",
        "rolled back",
        "kept",
        "promoted",
    ]


def _flipped(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place % len(content)] ^= 1 << place % 8
    path.write_bytes(content)


def test_verify_finds_a_changed_byte_in_every_file_of_the_store(churn: Churn) -> None:
    for version in (SECOND, THIRD):
        churn("models", "promote", version, *WHY)
    assert churn("models", "verify").returncode == 0
    files = sorted(path for path in churn.store.path.rglob("*") if path.is_file())
    names = {str(path.relative_to(churn.store.path)) for path in files}
    assert {"CURRENT", "SERVED", "EVENTS", f"versions/{FIRST}/manifest.json"} <= names
    with connect(churn.database_url) as connection:
        for number, path in enumerate(files):
            content = path.read_bytes()
            for place in (0, len(content) - 1, 7_919 * number):
                _flipped(path, place)
                assert _trouble(connection, churn.store), (path, place)
                path.write_bytes(content)
        assert _trouble(connection, churn.store) == ""


def _trouble(connection: Connection, store: ModelStore) -> str:
    try:
        return audit(connection, store).trouble
    except ChurnError as error:
        return str(error)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("CURRENT", "CURRENT cannot be read"),
        ("SERVED", "SERVED is not as it was written"),
        (f"versions/{FIRST}/card.md", f"{FIRST}/card.md: its SHA-256"),
    ],
)
def test_verify_ends_with_the_reason_where_the_store_was_changed(
    churn: Churn, name: str, told: str
) -> None:
    churn("models", "promote", SECOND, *WHY)
    _flipped(churn.store.path / name, 3)
    assert told in _refused(churn("models", "verify"))


def test_an_added_file_is_named_by_verify_and_by_the_list(churn: Churn) -> None:
    (churn.store.published(FIRST) / "more.txt").touch()
    assert f"{FIRST}/more.txt: is not in the manifest" in _refused(churn("models", "verify"))
    assert "REFUSED" in churn("models", "list").stdout
