import pytest

from churn.core.errors import NoModelError
from churn.registry.store import CARD, MANIFEST, ModelStore
from serving.api.live_model import LiveModel
from tests.api.conftest import publish
from tests.customer_file import package, version_of


@pytest.fixture
def live(store: ModelStore) -> LiveModel:
    """A service's model, with the first version in use."""
    live = LiveModel(store)
    live.refresh()
    return live


def _publish_torn(store: ModelStore, day: int) -> None:
    folder = store.write_candidate(package(day).manifest, package(day).files)
    (folder / CARD).write_bytes(b"torn")
    store.publish(version_of(day))


def test_without_a_model_the_reason_is_given(empty_store: ModelStore) -> None:
    live = LiveModel(empty_store)
    live.refresh()
    with pytest.raises(NoModelError, match="no model has been published yet"):
        _ = live.model


def test_a_truncated_first_version_is_the_reason_that_there_is_no_model(
    empty_store: ModelStore,
) -> None:
    _publish_torn(empty_store, 1)
    live = LiveModel(empty_store)
    live.refresh()
    with pytest.raises(NoModelError, match=f"{version_of(1)}/{CARD}: its SHA-256"):
        _ = live.model


def test_a_second_version_takes_over(live: LiveModel, store: ModelStore) -> None:
    publish(store, 2)
    live.refresh()
    assert live.model.version == version_of(2)
    assert live.refused is None


def test_a_truncated_version_is_refused_and_the_old_one_stays(
    live: LiveModel, store: ModelStore
) -> None:
    _publish_torn(store, 2)
    live.refresh()
    assert live.model.version == version_of(1)
    assert version_of(2) in str(live.refused)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}"])
def test_a_version_is_named_whatever_is_wrong_with_its_manifest(
    live: LiveModel, store: ModelStore, content: bytes
) -> None:
    folder = store.write_candidate(package(2).manifest, package(2).files)
    (folder / MANIFEST).write_bytes(content)
    store.publish(version_of(2))
    live.refresh()
    assert live.model.version == version_of(1)
    assert version_of(2) in str(live.refused)


def test_a_sound_version_after_a_refused_one_takes_over(live: LiveModel, store: ModelStore) -> None:
    _publish_torn(store, 2)
    live.refresh()
    publish(store, 3)
    live.refresh()
    assert live.model.version == version_of(3)
    assert live.refused is None


@pytest.mark.parametrize("pointer", ["", "../../etc/passwd", "20200101T000000Z-deadbeef"])
def test_a_pointer_to_nonsense_leaves_the_old_one_live(
    live: LiveModel, store: ModelStore, pointer: str
) -> None:
    store.pointer.write_text(pointer)
    live.refresh()
    assert live.model.version == version_of(1)


def test_a_store_that_goes_away_leaves_the_old_one_live(live: LiveModel, store: ModelStore) -> None:
    store.path.rename(store.path.with_name("away"))
    live.refresh()
    assert live.model.version == version_of(1)


def test_a_refusal_is_forgotten_when_the_pointer_goes_back(
    live: LiveModel, store: ModelStore
) -> None:
    _publish_torn(store, 2)
    live.refresh()
    store.publish(version_of(1))
    live.refresh()
    assert live.refused is None


def test_a_pointer_to_nonsense_is_reported(live: LiveModel, store: ModelStore) -> None:
    store.pointer.write_text("../../etc/passwd")
    live.refresh()
    assert "etc/passwd" in str(live.refused)


def test_a_version_that_could_not_be_read_for_a_moment_takes_over_later(
    live: LiveModel, store: ModelStore
) -> None:
    publish(store, 2)
    scorecard = store.published(version_of(2)) / "scorecard.json"
    scorecard.rename(scorecard.with_suffix(".away"))
    live.refresh()
    scorecard.with_suffix(".away").rename(scorecard)
    live.refresh()
    assert live.model.version == version_of(2)


@pytest.mark.parametrize("pointer", ["../../etc/passwd", "", "20990101T000000Z-00000000"])
def test_a_service_that_starts_behind_a_pointer_to_nonsense_answers_with_what_served_last(
    store: ModelStore, pointer: str
) -> None:
    publish(store, 2)
    store.pointer.write_text(pointer)
    live = LiveModel(store)
    live.refresh()
    assert live.model.version == version_of(2)
    assert f"{version_of(2)} answers" in str(live.refused)
    live.refresh()
    assert f"{version_of(2)} answers" in str(live.refused)
    publish(store, 3)
    live.refresh()
    assert (live.model.version, live.refused) == (version_of(3), None)
