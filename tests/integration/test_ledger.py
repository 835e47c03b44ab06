"""``model_versions`` and the store, on a real PostgreSQL."""

import json
from pathlib import Path

import pytest

from churn.pipeline import steps
from churn.registry.ledger import manifest_of, record_versions
from churn.registry.store import MANIFEST, ModelStore, read_version
from churn.warehouse.connect import connect
from tests.customer_file import package

EARLIER, LATER = 1, 2


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path)


def _publish(store: ModelStore, day: int) -> str:
    made = package(day)
    store.write_candidate(made.manifest, made.files)
    store.publish(made.manifest.version)
    return made.manifest.version


def _recorded(url: str) -> list[object]:
    with connect(url) as connection:
        rows = connection.execute("SELECT version FROM model_versions ORDER BY version").fetchall()
    return [row[0] for row in rows]


def test_a_version_whose_publisher_was_killed_is_recorded_by_the_next(
    database_url: str, store: ModelStore
) -> None:
    versions = [_publish(store, EARLIER), _publish(store, LATER)]
    with connect(database_url) as connection:
        steps.create_tables(connection)
        record_versions(connection, store)
        record_versions(connection, store)
    assert _recorded(database_url) == versions


def test_a_truncated_or_foreign_folder_in_the_store_does_not_hold_up_the_others(
    database_url: str, store: ModelStore
) -> None:
    torn, sound = _publish(store, EARLIER), _publish(store, LATER)
    (store.published(torn) / "manifest.json").unlink()
    (store.path / "versions" / ".DS_Store").touch()
    with connect(database_url) as connection:
        steps.create_tables(connection)
        record_versions(connection, store)
    assert _recorded(database_url) == [sound]


def test_a_version_from_before_there_were_policies_is_recorded_by_its_own_manifest(
    database_url: str, store: ModelStore
) -> None:
    version = _publish(store, EARLIER)
    path = store.published(version) / MANIFEST
    document = json.loads(path.read_text())
    del document["policy"]
    path.write_text(json.dumps({**document, "threshold": 0.4}))
    store.publish(version)  # with the hash of what is there now
    with connect(database_url) as connection:
        steps.create_tables(connection)
        record_versions(connection, store)
        assert manifest_of(connection, version) == read_version(path.parent).manifest
