"""Writers of the model store, killed at every call they make, while readers read all along."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from churn.registry import retention
from churn.registry.audit import audit
from churn.registry.events import read_events
from churn.registry.loaded_model import load_model
from churn.registry.model_registry import ModelRegistry
from churn.registry.store import ModelStore, read_version
from churn.warehouse.connect import connect
from tests.customer_file import package, version_of

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
FIRST, SECOND = version_of(1), version_of(2)
READERS = 1  # it takes a whole core, and the writers need one
MOST_CALLS = 400


class Writer:
    """The program that dies where it is told to."""

    def __init__(self, url: str, store: ModelStore, source: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, HERE / "killed_writer.py", url, store.path, source],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def act(self, number: int, action: str, version: str) -> str:
        """Do an action up to a call; return the call, or "done"."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{number}|{action}|{version}\n")
        self._process.stdin.flush()
        told = self._process.stdout.readline().strip()
        assert told, "the writer failed"
        return told

    def stop(self) -> None:
        """End the program."""
        self._process.communicate(timeout=30)


@pytest.fixture
def store(url: str, tmp_path: Path) -> ModelStore:
    """A store where two versions have served, the second still does."""
    store = ModelStore(tmp_path / "models")
    with connect(url) as connection:
        for day in (1, 2):
            store.write_candidate(package(day).manifest, package(day).files)
            ModelRegistry(connection, store, "setup").promote(version_of(day), "to begin with")
    return store


@pytest.fixture
def writer(url: str, store: ModelStore, tmp_path: Path) -> Iterator[Writer]:
    """The program, with a version to publish under any name."""
    source = ModelStore(tmp_path / "source")
    source.write_candidate(package(3).manifest, package(3).files)
    writer = Writer(url, store, source.candidate(version_of(3)))
    yield writer
    writer.stop()


@contextmanager
def _readers(store: ModelStore) -> Iterator[None]:
    """Let processes read all along; require that each read, and never a half."""
    readers = [
        subprocess.Popen(
            [sys.executable, HERE / "store_reader.py", store.path],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(READERS)
    ]
    for reader in readers:
        assert reader.stdout
        assert reader.stdout.readline().strip() == "1"
    yield
    for reader in readers:
        assert reader.poll() is None, f"a reader saw a half version: {reader.communicate()[1]}"
        reader.kill()
        reads = (reader.communicate()[0].split() or ["0"])[-1]
        assert int(reads) > 20


def _version(number: int) -> str:
    return f"20260201T{number // 60:02d}{number % 60:02d}00Z-{FIRST[-8:]}"


def _require_whole(url: str, store: ModelStore) -> None:
    """Require that the store is sound as it is, and clean after whoever writes next."""
    assert load_model(store.published(store.current()))
    for version in store.versions():
        assert read_version(store.published(version))
    with connect(url) as connection:
        ModelRegistry(connection, store, "the next").begin()
    leftovers = [path for path in store.path.rglob("*") if path.name.startswith(".")]
    assert leftovers == []
    assert list(store.path.glob("retired/*")) == []
    for candidate in store.path.glob("candidates/*"):
        assert read_version(candidate)
    with connect(url) as connection:
        assert audit(connection, store).trouble == ""
        assert store.served()[-1].version == store.current()
        recorded = connection.execute("SELECT version FROM model_versions").fetchall()
        assert {str(row[0]) for row in recorded} >= set(store.versions())


def test_a_publisher_killed_at_any_call_leaves_the_old_or_the_new_version(
    url: str, store: ModelStore, writer: Writer
) -> None:
    called = []
    with _readers(store):
        for number in range(1, MOST_CALLS):
            before = store.current()
            told = writer.act(number, "publish", _version(number))
            assert store.current() in (before, _version(number))
            _require_whole(url, store)
            if told == "done":
                break
            called.append(told)
    assert store.current() == _version(number)
    assert len(called) > 80
    _require_every_step(called)


def _require_every_step(called: list[str]) -> None:
    told = "\n".join(called)
    for step in (
        "os.mkdir /candidates/",
        "half a write",
        "/manifest.json",
        "os.rename /candidates/",
        "open /.CURRENT.",
        "os.rename /.CURRENT.",
        "os.rename /.SERVED.",
        "before fsync",
        "before commit",
        "after commit",
        "os.rename /.EVENTS.",
    ):
        assert step in told, step


def test_a_rollback_killed_at_any_call_leaves_one_version_or_the_other(
    url: str, store: ModelStore, writer: Writer
) -> None:
    with _readers(store):
        for number in range(1, MOST_CALLS):
            if store.current() == FIRST:  # the last attempt got so far
                with connect(url) as connection:
                    ModelRegistry(connection, store, "the next").promote(SECOND, "once more")
            told = writer.act(number, "roll back", "")
            assert store.current() in (FIRST, SECOND)
            _require_whole(url, store)
            if told == "done":
                break
    assert number > 20
    with connect(url) as connection:
        last = [event for event in read_events(connection) if event.kind == "rolled back"][-1]
    assert last.version == store.current()


def test_a_removal_killed_at_any_call_removes_whole_versions_and_never_the_served_or_pinned(
    url: str, store: ModelStore, writer: Writer
) -> None:
    with connect(url) as connection:
        ModelRegistry(connection, store, "setup").pin(FIRST, "the first one")
    number, done = 0, False
    with _readers(store):
        while not done:
            number += 1
            _put_spare(store, number)
            done = writer.act(number, "retire", "") == "done"
            assert {FIRST, SECOND} <= set(store.versions())
            _require_whole(url, store)
    assert store.current() == SECOND
    assert number > 20
    assert len(store.versions()) == 3  # pinned, served, and the newest
    with connect(url) as connection:
        retired = [e.version for e in read_events(connection) if e.kind == "retired"]
    assert len(retired) == len(set(retired)) == number - 1


def _put_spare(store: ModelStore, number: int) -> None:
    """Publish a version that nobody serves."""
    made = package(3)
    manifest = made.manifest.model_copy(update={"version": _version(number)})
    store.write_candidate(manifest, made.files)
    store.candidate(_version(number)).rename(store.published(_version(number)))


def test_a_pin_killed_at_any_call_is_there_with_its_event_or_not_at_all(
    url: str, store: ModelStore, writer: Writer
) -> None:
    for number in range(1, MOST_CALLS):
        told = writer.act(number, "pin", FIRST)
        with connect(url) as connection:
            ModelRegistry(connection, store, "the next").begin()
            kinds = [e.kind for e in read_events(connection) if "pinned" in e.kind]
        assert (FIRST in retention.pinned(store)) == (kinds[-1:] == ["pinned"])
        _require_whole(url, store)
        if told == "done":
            break
        if kinds[-1:] == ["pinned"]:
            with connect(url) as connection:
                ModelRegistry(connection, store, "the next").unpin(FIRST, "once more")
    assert number > 5
