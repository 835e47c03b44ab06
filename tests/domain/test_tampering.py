"""A changed byte anywhere in the store is found by the service and by the store's own check."""

import hashlib
import json
import random
import shutil
from pathlib import Path

import pytest

from churn.core.errors import ChurnError
from churn.registry.served import ServedVersion, is_as_written, parse, render
from churn.registry.store import MANIFEST, ModelStore
from serving.api.live_model import LiveModel
from tests.customer_file import package, version_of

FILES = sorted({MANIFEST, *package().files})


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> ModelStore:
    """A store in which two versions served."""
    store = ModelStore(tmp_path_factory.mktemp("original") / "models")
    for day in (1, 2):
        store.write_candidate(package(day).manifest, package(day).files)
        store.publish(version_of(day))
    return store


@pytest.fixture
def store(original: ModelStore, tmp_path: Path) -> ModelStore:
    """A copy to tamper with."""
    shutil.copytree(original.path, tmp_path / "models")
    return ModelStore(tmp_path / "models")


def _flip(path: Path, place: int, bit: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1 << bit
    path.write_bytes(content)


def _started(store: ModelStore) -> LiveModel:
    live = LiveModel(store)
    live.refresh()
    return live


def _places(size: int, seed: str) -> list[tuple[int, int]]:
    """Return the first and the last byte and random ones, each with a random bit."""
    draw = random.Random(seed)  # noqa: S311
    places = {0, size - 1, *(draw.randrange(size) for _ in range(6))}
    return [(place, draw.randrange(8)) for place in sorted(places)]


@pytest.mark.parametrize("name", FILES)
def test_a_bit_flipped_anywhere_in_a_live_version_is_refused(store: ModelStore, name: str) -> None:
    path = store.published(version_of(2)) / name
    content = path.read_bytes()
    for place, bit in _places(len(content), name):
        _flip(path, place, bit)
        with pytest.raises(ChurnError, match=version_of(2)):
            store.read(version_of(2))
        live = _started(store)
        assert (live.version, bool(live.refused)) == (version_of(1), True), (name, place, bit)
        path.write_bytes(content)


def test_every_bit_of_the_pointer_counts(store: ModelStore) -> None:
    content = store.pointer.read_bytes()
    assert content.decode() == f"{version_of(2)} {_manifest_hash(store, 2)}\n"
    for place in range(len(content)):
        for bit in range(8):
            _flip(store.pointer, place, bit)
            with pytest.raises(ChurnError):
                store.read(store.current())
            store.pointer.write_bytes(content)
    store.pointer.write_text(f"{version_of(2)} {'0' * 64}\n")
    assert "CURRENT and SERVED differ" in str(_started(store).refused)


def test_every_bit_of_the_order_of_service_counts(store: ModelStore) -> None:
    content = store.served_file.read_bytes()
    for place in range(len(content)):
        for bit in range(8):
            _flip(store.served_file, place, bit)
            assert "SERVED is not as it was written" in store.damage(), (place, bit)
            store.served_file.write_bytes(content)
    _flip(store.served_file, 0, 1)
    live = _started(store)
    assert live.version == version_of(2)
    assert "SERVED is not as it was written" in str(live.refused)


def _manifest_hash(store: ModelStore, day: int) -> str:
    path = store.published(version_of(day)) / MANIFEST
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("name", ["more.txt", "plots/more.png", ".hidden", "other/deep.json", "d/"])
def test_an_added_file_or_folder_is_refused(store: ModelStore, name: str) -> None:
    path = store.published(version_of(2)) / name
    path.parent.mkdir(exist_ok=True)
    if name.endswith("/"):
        path.mkdir()
    else:
        path.write_bytes(b"")
    with pytest.raises(ChurnError, match="is not in the manifest"):
        store.read(version_of(2))
    assert _started(store).version == version_of(1)


@pytest.mark.parametrize("name", FILES)
def test_a_removed_file_is_refused(store: ModelStore, name: str) -> None:
    (store.published(version_of(2)) / name).unlink()
    assert _started(store).version == version_of(1)


@pytest.mark.parametrize("changed", ["threshold", "policy", "golden_rows", "created_at"])
def test_an_edited_manifest_is_refused_whatever_is_edited(store: ModelStore, changed: str) -> None:
    path = store.published(version_of(2)) / MANIFEST
    document = json.loads(path.read_text())
    if changed in ("threshold", "policy"):
        document["threshold"] = document["policy"]["threshold"] = 0.01
    elif changed == "golden_rows":
        document["golden_rows"] = document["golden_rows"][:1]
    else:
        document["created_at"] = "2020-01-01T00:00:00Z"
    path.write_text(json.dumps(document))
    live = _started(store)
    assert live.version == version_of(1)
    assert f"{version_of(2)}/{MANIFEST}: its SHA-256 is not the published one" in str(live.refused)


def test_an_earlier_version_is_not_fallen_back_on_with_another_manifest(store: ModelStore) -> None:
    path = store.published(version_of(1)) / MANIFEST
    path.write_bytes(path.read_bytes() + b"\n")
    (store.published(version_of(2)) / "card.md").unlink()
    assert _started(store).version is None


def test_a_running_service_keeps_its_model_and_reports_what_was_changed(store: ModelStore) -> None:
    live = _started(store)
    path = store.published(version_of(2)) / "card.md"
    content = path.read_bytes()
    path.write_bytes(b"another story")
    live.refresh()
    assert live.version == version_of(2)
    assert f"{version_of(2)}/card.md" in str(live.refused)
    path.write_bytes(content)
    live.refresh()
    assert live.refused is None


def test_a_pointer_without_its_hash_does_not_open_the_version_to_changes(store: ModelStore) -> None:
    store.pointer.write_text(f"{version_of(2)}\n")
    assert _started(store).version == version_of(2)
    path = store.published(version_of(2)) / MANIFEST
    path.write_bytes(path.read_bytes() + b"\n")
    assert _started(store).version == version_of(1)


def test_a_store_of_before_serves_and_gets_its_hashes_at_the_next_change(store: ModelStore) -> None:
    old = "".join(f"{one.since.isoformat()} {one.version}\n" for one in store.served())
    store.served_file.write_text(old)
    store.pointer.write_text(f"{version_of(2)}\n")
    assert store.damage() == ""
    assert (_started(store).version, _started(store).refused) == (version_of(2), None)
    store.publish(version_of(1))
    assert [one.manifest_sha256 for one in store.served()] == [
        _manifest_hash(store, 2),
        _manifest_hash(store, 1),
    ]
    assert store.damage() == ""


def test_what_is_rendered_is_read_back_whether_hashes_are_known_or_not(store: ModelStore) -> None:
    first, second = store.served()
    for order in ((), (first,), (first, ServedVersion(second.version, second.since))):
        assert parse(render(order)) == tuple(order)
        assert is_as_written(render(order))
        assert not is_as_written(render(order)[:-1])
