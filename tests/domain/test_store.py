import hashlib
import os
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn.core.errors import ModelRefusedError, NoModelError
from churn.registry.retention import tidy
from churn.registry.store import CARD, MANIFEST, MODEL, SCORECARD, ModelStore, read_version
from tests.customer_file import package, version_of


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    """A store with one version in use."""
    store = ModelStore(tmp_path / "models")
    _publish(store, 1)
    return store


def _publish(store: ModelStore, day: int) -> None:
    store.write_candidate(package(day).manifest, package(day).files)
    store.publish(version_of(day))


def test_an_empty_store_reports_that_nothing_was_published(tmp_path: Path) -> None:
    store = ModelStore(tmp_path / "never made")
    with pytest.raises(NoModelError, match="no model has been published yet"):
        store.current()
    assert store.versions() == ()


def test_a_candidate_is_not_live_before_it_is_published(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    store.write_candidate(package().manifest, package().files)
    assert store.versions() == ()
    with pytest.raises(NoModelError):
        store.current()


def test_a_published_version_is_live_with_every_file_as_it_was_packed(store: ModelStore) -> None:
    assert store.current() == version_of(1)
    version = read_version(store.published(version_of(1)))
    assert version.manifest == package().manifest
    assert version.files == package().files
    assert {SCORECARD, MODEL, CARD, "plots/lift.png"} <= set(version.files)


def test_the_pointer_is_one_line_with_the_name_and_the_manifests_hash(store: ModelStore) -> None:
    manifest = (store.published(version_of(1)) / MANIFEST).read_bytes()
    expected = f"{version_of(1)} {hashlib.sha256(manifest).hexdigest()}\n"
    assert store.pointer.read_bytes() == expected.encode()


def test_publishing_leaves_nothing_but_the_versions_and_the_pointer(store: ModelStore) -> None:
    assert {path.name for path in store.path.iterdir()} == {
        "CURRENT",
        "SERVED",
        "versions",
        "candidates",
    }
    assert not any((store.path / "candidates").iterdir())


def test_a_second_version_takes_over_and_the_first_is_kept(store: ModelStore) -> None:
    _publish(store, 2)
    assert store.current() == version_of(2)
    assert store.versions() == (version_of(1), version_of(2))
    assert read_version(store.published(version_of(1))).manifest.version == version_of(1)


def test_publishing_twice_changes_nothing(store: ModelStore) -> None:
    store.publish(version_of(1))
    assert (store.current(), store.versions()) == (version_of(1), (version_of(1),))


def test_an_earlier_version_can_be_promoted_again(store: ModelStore) -> None:
    _publish(store, 2)
    store.publish(version_of(1))
    assert store.current() == version_of(1)


def test_publishing_what_was_never_written_leaves_the_old_one_live(store: ModelStore) -> None:
    with pytest.raises(FileNotFoundError):
        store.publish(version_of(2))
    assert (store.current(), store.versions()) == (version_of(1), (version_of(1),))


def test_what_a_killed_publisher_left_does_not_stop_the_next(store: ModelStore) -> None:
    (store.path / f".CURRENT.{os.getpid()}").write_text("half a na")
    _publish(store, 2)
    assert store.current() == version_of(2)


def test_forgotten_candidates_are_discarded_and_fresh_ones_kept(store: ModelStore) -> None:
    store.write_candidate(package(2).manifest, package(2).files)
    tidy(store)
    assert store.candidate(version_of(2)).exists()
    tidy(store, older_than=timedelta(0))
    assert not store.candidate(version_of(2)).exists()


@pytest.mark.parametrize("name", [MANIFEST, SCORECARD, MODEL, CARD])
def test_a_version_that_lacks_a_file_is_refused_by_its_name(store: ModelStore, name: str) -> None:
    (store.published(version_of(1)) / name).unlink()
    with pytest.raises(ModelRefusedError, match=f"{version_of(1)}/{name}: No such file"):
        read_version(store.published(version_of(1)))


@pytest.mark.parametrize("name", [SCORECARD, MODEL, CARD])
def test_a_truncated_file_is_refused_by_its_name(store: ModelStore, name: str) -> None:
    path = store.published(version_of(1)) / name
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ModelRefusedError, match=f"{version_of(1)}/{name}: its SHA-256"):
        read_version(store.published(version_of(1)))


@pytest.mark.parametrize("name", [SCORECARD, MODEL, CARD])
def test_a_file_with_one_bit_changed_is_refused_by_its_name(store: ModelStore, name: str) -> None:
    path = store.published(version_of(1)) / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelRefusedError, match=f"{version_of(1)}/{name}: its SHA-256"):
        read_version(store.published(version_of(1)))


def test_a_truncated_manifest_is_refused(store: ModelStore) -> None:
    path = store.published(version_of(1)) / MANIFEST
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ModelRefusedError, match=r"manifest\.json"):
        read_version(store.published(version_of(1)))


def test_a_folder_where_a_file_should_be_is_refused(store: ModelStore) -> None:
    (store.published(version_of(1)) / CARD).unlink()
    (store.published(version_of(1)) / CARD).mkdir()
    with pytest.raises(ModelRefusedError, match=f"{version_of(1)}/{CARD}: Is a directory"):
        read_version(store.published(version_of(1)))


def test_a_version_under_another_name_is_refused(store: ModelStore) -> None:
    shutil.copytree(store.published(version_of(1)), store.published(version_of(2)))
    with pytest.raises(
        ModelRefusedError, match=f"{version_of(2)} holds the manifest of {version_of(1)}"
    ):
        read_version(store.published(version_of(2)))


def test_a_manifest_that_names_a_file_elsewhere_is_refused(store: ModelStore) -> None:
    manifest = package().manifest
    away = manifest.model_copy(update={"files": {"../../CURRENT": "0" * 64}})
    (store.published(version_of(1)) / MANIFEST).write_text(away.model_dump_json(), encoding="utf-8")
    with pytest.raises(ModelRefusedError, match="is not a name in a model store"):
        read_version(store.published(version_of(1)))


NONSENSE = ("", " ", "..", ".", "../versions", "/etc/passwd", "a/b", "a b", "x" * 81, "a\nb", "é")


@pytest.mark.parametrize("name", NONSENSE)
def test_a_pointer_that_names_nonsense_is_refused(store: ModelStore, name: str) -> None:
    store.pointer.write_text(name, encoding="utf-8")
    with pytest.raises(ModelRefusedError, match="is not a name in a model store"):
        store.current()


def test_a_pointer_of_bytes_that_are_no_text_is_refused(store: ModelStore) -> None:
    store.pointer.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ModelRefusedError, match="CURRENT cannot be read"):
        store.current()


def test_a_pointer_to_a_version_that_is_not_there_is_refused_when_read(store: ModelStore) -> None:
    store.pointer.write_text(version_of(2))
    with pytest.raises(ModelRefusedError, match=f"{version_of(2)}/{MANIFEST}: No such file"):
        read_version(store.published(store.current()))


@given(st.text() | st.from_regex(r"(\.\./|/|\.)[a-z./]*", fullmatch=True))
def test_no_name_leads_out_of_the_store(name: str) -> None:
    store = ModelStore(Path("/models"))
    for folder in (store.published, store.candidate):
        try:
            path = folder(name)
        except ModelRefusedError:
            continue
        assert path.parent.parent == store.path
        assert path.name == name
        assert name not in (".", "..")
