"""The record of what served: on a real PostgreSQL, with people and processes that tamper."""

import re
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from churn.core.errors import ModelRefusedError, NoModelError
from churn.registry import events
from churn.registry.audit import audit
from churn.registry.events import GENESIS, Entry, EventKind, append, hash_of, read_events, served_at
from churn.registry.model_registry import ModelRegistry
from churn.registry.store import MANIFEST, ModelStore
from churn.warehouse.connect import Connection, connect
from churn.warehouse.schema import create_tables
from local.postgres import Server
from tests.customer_file import package, version_of

FIRST, SECOND, THIRD = version_of(1), version_of(2), version_of(3)


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    """A store with three candidates."""
    store = ModelStore(tmp_path / "models")
    for day in (1, 2, 3):
        store.write_candidate(package(day).manifest, package(day).files)
    return store


@pytest.fixture
def superuser(postgres_server: Server, database_name: str, url: str) -> str:
    """Address the test's database as one who may do everything."""
    assert url
    return postgres_server.url(database_name)


def _promote(url: str, store: ModelStore, version: str, actor: str = "ana") -> None:
    with connect(url) as connection:
        ModelRegistry(connection, store, actor).promote(version, f"because of {version[-1]}")


def _roll_back(url: str, store: ModelStore, to: str | None = None) -> None:
    with connect(url) as connection:
        ModelRegistry(connection, store, "rui").roll_back("it went wrong", to=to)


def _events(url: str) -> list[events.Event]:
    with connect(url) as connection:
        return list(read_events(connection))


def _trouble(url: str, store: ModelStore) -> str:
    with connect(url) as connection:
        return audit(connection, store).trouble


def _tamper(superuser: str, statement: str) -> None:
    """Do what only a superuser can, with the guard off, and put the guard back."""
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute("ALTER TABLE model_events DISABLE TRIGGER ALL")
        connection.execute(statement.encode())
        connection.execute(_ALWAYS)


def test_a_promotion_is_recorded_with_who_what_and_why(url: str, store: ModelStore) -> None:
    _promote(url, store, FIRST)
    _promote(url, store, SECOND)
    first, second = _events(url)
    assert (first.kind, first.version, first.former) == ("promoted", FIRST, None)
    assert (second.version, second.former) == (SECOND, FIRST)
    assert (second.actor, second.database_role) == ("ana", "churn_pipeline")
    assert second.reason == f"because of {SECOND[-1]}"
    assert store.current() == SECOND
    assert _trouble(url, store) == ""


def test_each_event_holds_the_hash_of_the_one_before(url: str, store: ModelStore) -> None:
    for version in (FIRST, SECOND, THIRD):
        _promote(url, store, version)
    chain = _events(url)
    assert [event.former_hash for event in chain] == [GENESIS, *(e.hash for e in chain[:-1])]
    assert [event.hash for event in chain] == [hash_of(event) for event in chain]


def test_promoting_what_serves_changes_and_records_nothing(url: str, store: ModelStore) -> None:
    _promote(url, store, FIRST)
    _promote(url, store, FIRST)
    assert len(_events(url)) == 1


def test_rolling_back_serves_the_version_before_and_is_recorded(
    url: str, store: ModelStore
) -> None:
    for version in (FIRST, SECOND, THIRD):
        _promote(url, store, version)
    _roll_back(url, store)
    assert store.current() == SECOND
    last = _events(url)[-1]
    assert (last.kind, last.version, last.former, last.actor) == (
        "rolled back",
        SECOND,
        THIRD,
        "rui",
    )
    _roll_back(url, store, to=FIRST)
    assert store.current() == FIRST


def test_rolling_back_again_never_returns_to_the_version_that_was_rolled_back(
    url: str, store: ModelStore
) -> None:
    for version in (FIRST, SECOND):
        _promote(url, store, version)
    _roll_back(url, store)
    with pytest.raises(NoModelError, match="no other version served before"):
        _roll_back(url, store)
    assert store.current() == FIRST


def test_rolling_back_twice_goes_back_by_two_versions(url: str, store: ModelStore) -> None:
    for version in (FIRST, SECOND, THIRD):
        _promote(url, store, version)
    _roll_back(url, store)
    _roll_back(url, store)
    assert store.current() == FIRST


def test_a_version_that_is_promoted_again_can_be_rolled_back_to(
    url: str, store: ModelStore
) -> None:
    for version in (FIRST, SECOND):
        _promote(url, store, version)
    _roll_back(url, store)
    for version in (SECOND, THIRD):
        _promote(url, store, version)
    _roll_back(url, store)
    assert store.current() == SECOND


def test_a_rollback_that_was_killed_is_not_undone_by_the_next(url: str, store: ModelStore) -> None:
    for version in (FIRST, SECOND):
        _promote(url, store, version)
    store.publish(FIRST)
    with pytest.raises(NoModelError, match="no other version served before"):
        _roll_back(url, store)
    assert store.current() == FIRST


@pytest.mark.parametrize("change", ["UPDATE", "DELETE", "TRUNCATE"])
def test_no_event_can_be_changed_by_the_tables_owner(
    url: str, store: ModelStore, change: str
) -> None:
    _promote(url, store, FIRST)
    statement = _CHANGES[change]
    with connect(url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement.encode())
    with connect(url) as connection:
        connection.execute("GRANT ALL ON model_events TO current_user")
        with pytest.raises(psycopg.errors.RaiseException, match=f"append-only: {change}"):
            connection.execute(statement.encode())


_CHANGES = {
    "UPDATE": "UPDATE model_events SET reason = 'nothing happened'",
    "DELETE": "DELETE FROM model_events",
    "TRUNCATE": "TRUNCATE model_events",
}


@pytest.mark.parametrize("change", list(_CHANGES))
def test_no_event_can_be_changed_by_a_superuser_or_a_replica_while_the_trigger_is_enabled(
    url: str, store: ModelStore, superuser: str, change: str
) -> None:
    _promote(url, store, FIRST)
    with psycopg.connect(superuser) as connection:
        connection.execute("SET session_replication_role = replica")
        with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
            connection.execute(_CHANGES[change].encode())


def test_the_service_reads_the_record_and_can_add_nothing(
    url: str, serving_url: str, store: ModelStore
) -> None:
    _promote(url, store, FIRST)
    with connect(serving_url) as connection:
        assert len(list(read_events(connection))) == 1
    with connect(serving_url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        append(connection, Entry(EventKind.PROMOTED, SECOND, "mallory", "for fun"))


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE model_events SET reason = 'quite right' WHERE event_id = 2", "event 2 (promoted"),
        ("UPDATE model_events SET actor = 'nobody' WHERE event_id = 1", "event 1 (promoted"),
        (
            "UPDATE model_events SET effective_at = effective_at - interval '1 microsecond'"
            " WHERE event_id = 2",
            "event 2 (promoted",
        ),
        ("UPDATE model_events SET details = '{}' WHERE event_id = 3", "event 3 (promoted"),
        ("DELETE FROM model_events WHERE event_id = 2", "event 2 is gone"),
        ("DELETE FROM model_events WHERE event_id = 1", "event 1 is gone"),
        ("DELETE FROM model_events WHERE event_id = 3", "event 3 is gone"),
        ("DELETE FROM model_events", "event 1 is gone"),
        (
            "UPDATE model_events SET event_id = 5 WHERE event_id = 3",
            "event 3 is gone",
        ),
    ],
)
def test_tampering_with_the_trigger_disabled_is_found_with_the_first_broken_event(
    url: str, store: ModelStore, superuser: str, statement: str, told: str
) -> None:
    for version in (FIRST, SECOND, THIRD):
        _promote(url, store, version)
    _tamper(superuser, statement)
    assert told in _trouble(url, store)


def test_a_chain_that_was_computed_anew_is_found_by_what_the_store_remembers(
    url: str, store: ModelStore, superuser: str
) -> None:
    for version in (FIRST, SECOND):
        _promote(url, store, version)
    _tamper(superuser, "DELETE FROM model_events WHERE event_id = 2")
    with connect(url) as connection:
        append(connection, Entry(EventKind.PROMOTED, SECOND, "rui", "another story", FIRST))
    assert "is not the event that the model store remembers" in _trouble(url, store)


def test_a_trigger_that_was_left_disabled_is_reported(url: str, store: ModelStore) -> None:
    _promote(url, store, FIRST)
    with connect(url) as connection:
        connection.execute("ALTER TABLE model_events DISABLE TRIGGER ALL")
    assert "trigger that refuses changes is disabled" in _trouble(url, store)


_OTHER_GUARD = "CREATE OR REPLACE TRIGGER model_events_are_append_only "
_ALWAYS = "ALTER TABLE model_events ENABLE ALWAYS TRIGGER model_events_are_append_only"
_EACH = "FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_model_events()"


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE OR REPLACE FUNCTION refuse_to_change_model_events() RETURNS trigger"
        " LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        f"{_OTHER_GUARD} BEFORE TRUNCATE ON model_events {_EACH}",
        f"{_OTHER_GUARD} BEFORE DELETE OR TRUNCATE OR UPDATE OF hash ON model_events {_EACH}",
        f"{_OTHER_GUARD} BEFORE UPDATE OR DELETE ON model_events FOR EACH ROW"
        " WHEN (old.event_id < 0) EXECUTE FUNCTION refuse_to_change_model_events()",
        "CREATE FUNCTION does_nothing() RETURNS trigger"
        " LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
        f"{_OTHER_GUARD} BEFORE UPDATE OR DELETE OR TRUNCATE ON model_events"
        " FOR EACH STATEMENT EXECUTE FUNCTION does_nothing()",
        "DROP TRIGGER model_events_are_append_only ON model_events",
        "ALTER TABLE model_events ENABLE TRIGGER model_events_are_append_only",
    ],
)
def test_a_trigger_that_a_superuser_emptied_is_reported_until_the_tables_are_created_again(
    url: str, store: ModelStore, superuser: str, statement: str
) -> None:
    _promote(url, store, FIRST)
    with psycopg.connect(superuser) as connection:
        connection.execute(statement.encode())
        if _OTHER_GUARD in statement:
            connection.execute(_ALWAYS)
    assert "trigger that refuses changes is disabled, altered or gone" in _trouble(url, store)
    with connect(url) as connection:
        create_tables(connection)
    assert _trouble(url, store) == ""


def test_a_manifest_that_is_not_the_promoted_one_is_reported(url: str, store: ModelStore) -> None:
    _promote(url, store, FIRST)
    path = store.published(FIRST) / MANIFEST
    path.write_text(re.sub(r'"threshold": [0-9.]+', '"threshold": 0.1', path.read_text()))
    refused = f"{FIRST} is published and is not sound: {FIRST}/{MANIFEST}: its SHA-256 is not the"
    assert refused in _trouble(url, store)
    store.publish(FIRST)  # the store's own hashes forged too
    assert f"{FIRST}/{MANIFEST} is not the one that was recorded: policy differ" in _trouble(
        url, store
    )


def test_a_published_version_with_a_swapped_manifest_is_not_promoted(
    url: str, store: ModelStore
) -> None:
    for version in (FIRST, SECOND):
        _promote(url, store, version)
    path = store.published(FIRST) / MANIFEST
    path.write_text(re.sub(r'"threshold": [0-9.]+', '"threshold": 0.1', path.read_text()))
    with pytest.raises(ModelRefusedError, match="recorded: policy differ"):
        _roll_back(url, store)
    with pytest.raises(ModelRefusedError, match="recorded: policy differ"):
        _promote(url, store, FIRST)
    assert store.current() == SECOND


def test_a_manifest_whose_row_was_forged_too_is_found_by_the_chain(
    url: str, store: ModelStore
) -> None:
    for version in (FIRST, SECOND):
        _promote(url, store, version)
    path = store.published(FIRST) / MANIFEST
    path.write_text(re.sub(r'"threshold": [0-9.]+', '"threshold": 0.1', path.read_text()))
    with connect(url) as connection:
        connection.execute("DELETE FROM model_versions")
    with pytest.raises(ModelRefusedError, match="not the one that event 1 promoted"):
        _promote(url, store, FIRST)


def test_a_file_of_the_served_version_that_was_swapped_is_reported(
    url: str, store: ModelStore
) -> None:
    _promote(url, store, FIRST)
    (store.published(FIRST) / "card.md").write_text("a better story")
    assert "its SHA-256 is not the manifest's" in _trouble(url, store)


def test_a_pointer_that_was_changed_by_hand_is_reported_and_then_recorded(
    url: str, store: ModelStore
) -> None:
    _promote(url, store, FIRST)
    _promote(url, store, SECOND)
    store.pointer.write_text(f"{FIRST}\n")
    assert f"{FIRST} serves, and by event 2 it should be {SECOND}" in _trouble(url, store)
    with connect(url) as connection:
        ModelRegistry(connection, store, "the next run").begin()
    last = _events(url)[-1]
    assert (last.kind, last.version, last.former) == ("reconciled", FIRST, SECOND)
    assert "CURRENT was changed by hand" in last.reason or "by hand" in last.reason
    assert last.effective_at == store.live_since()
    assert _trouble(url, store) == ""


def test_a_publisher_killed_between_pointer_and_record_is_made_good_by_the_next(
    url: str, store: ModelStore
) -> None:
    _promote(url, store, FIRST)
    store.publish(SECOND)
    _promote(url, store, THIRD)
    kinds = [(event.kind, event.version, event.former) for event in _events(url)]
    assert kinds[1:] == [("reconciled", SECOND, FIRST), ("promoted", THIRD, SECOND)]
    assert _trouble(url, store) == ""


def test_who_served_when_is_answered_for_every_moment(url: str, store: ModelStore) -> None:
    start = datetime.now(UTC)
    for version in (FIRST, SECOND):
        _promote(url, store, version)
    _roll_back(url, store)
    moments = [event.effective_at for event in _events(url)]
    with connect(url) as connection:
        assert served_at(connection, start - timedelta(hours=1)) is None
        for moment, version in zip(moments, (FIRST, SECOND, FIRST), strict=True):
            served = served_at(connection, moment)
            assert served
            assert served.version == version
            later = served_at(connection, moment + timedelta(microseconds=1))
            assert later == served


def test_many_writers_at_once_make_one_chain(url: str, store: ModelStore) -> None:
    versions = [FIRST, SECOND, THIRD] * 4
    failed: list[BaseException] = []

    def promote(version: str, actor: str) -> None:
        try:
            _promote(url, store, version, actor)
        except BaseException as error:  # noqa: BLE001 # a thread's failure would pass unseen
            failed.append(error)

    threads = [
        threading.Thread(target=promote, args=(version, f"writer {n}"))
        for n, version in enumerate(versions)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert _trouble(url, store) == ""
    chain = _events(url)
    assert [event.event_id for event in chain] == list(range(1, len(chain) + 1))
    assert [event.former for event in chain] == [None, *(event.version for event in chain[:-1])]
    assert chain[-1].version == store.current()


def test_a_writer_that_does_not_wait_for_its_turn_is_refused_by_the_table(
    url: str, store: ModelStore, connection: Connection
) -> None:
    _promote(url, store, FIRST)
    fork = (
        "INSERT INTO model_events SELECT 9, happened_at, effective_at, kind, version, former,"
        " actor, database_role, reason, details, former_hash, 'other' FROM model_events"
    )
    with pytest.raises(psycopg.errors.UniqueViolation):
        connection.execute(fork)


def test_a_version_that_fails_a_check_is_not_promoted_and_not_recorded(
    url: str, store: ModelStore
) -> None:
    _promote(url, store, FIRST)
    (store.candidate(SECOND) / "card.md").write_text("torn")
    with pytest.raises(ModelRefusedError, match="its SHA-256 is not the manifest's"):
        _promote(url, store, SECOND)
    assert store.current() == FIRST
    assert len(_events(url)) == 1
