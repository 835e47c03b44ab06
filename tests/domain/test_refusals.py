"""Everything that may be wrong with a version: refused, with the reason."""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from churn.core.errors import ModelRefusedError, NoModelError
from churn.registry.live_version import load_served
from churn.registry.loaded_model import load_model
from churn.registry.store import CARD, MANIFEST, SCORECARD, ModelStore
from tests.customer_file import package, version_of

Harm = Callable[[Path], None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A published version."""
    store = ModelStore(tmp_path / "models")
    store.write_candidate(package().manifest, package().files)
    store.publish(version_of(1))
    return store.published(version_of(1))


def _edited(name: str, change: Callable[[dict[str, object]], object]) -> Harm:
    """Change a JSON file and make its hash right again, as a careful forger does."""

    def harm(folder: Path) -> None:
        document = json.loads((folder / name).read_text())
        change(document)
        content = json.dumps(document).encode()
        (folder / name).write_bytes(content)
        if name != MANIFEST:
            manifest = json.loads((folder / MANIFEST).read_text())
            manifest["files"][name] = hashlib.sha256(content).hexdigest()
            (folder / MANIFEST).write_text(json.dumps(manifest))

    return harm


def _weight(value: object) -> Harm:
    return _edited(SCORECARD, lambda card: card["columns"][3].update(weight=value))  # type: ignore[index]


def _moments(value: float) -> Harm:
    def change(card: dict[str, object]) -> None:
        card["correlation"] = [[value for _ in row] for row in card["correlation"]]  # type: ignore[attr-defined]

    return _edited(SCORECARD, change)


def _swap_manifest(folder: Path) -> None:
    other = package(2).manifest.model_copy(update={"version": folder.name})
    forged = other.model_copy(update={"files": dict.fromkeys(other.files, "0" * 64)})
    (folder / MANIFEST).write_text(forged.model_dump_json())


def _swap_whole_manifest(folder: Path) -> None:
    (folder / MANIFEST).write_text(package(2).manifest.model_dump_json())


def _link_file(folder: Path) -> None:
    (folder / CARD).rename(folder.parent / "card.md")
    (folder / CARD).symlink_to(folder.parent / "card.md")


def _link_folder(folder: Path) -> None:
    away = folder.with_name("away")
    folder.rename(away)
    folder.symlink_to(away)


def _tear_card(folder: Path) -> None:
    (folder / CARD).write_text("x")


def _pipe(folder: Path) -> None:
    (folder / CARD).unlink()
    os.mkfifo(folder / CARD)


def _names(name: str) -> Harm:
    return _edited(MANIFEST, lambda document: document["files"].update({name: "0" * 64}))  # type: ignore[attr-defined]


def _set(name: str, value: object) -> Harm:
    return _edited(MANIFEST, lambda document: document.update({name: value}))


REFUSED: dict[str, tuple[Harm, str]] = {
    "another hash": (_tear_card, "its SHA-256"),
    "another version's manifest": (_swap_whole_manifest, "holds the manifest of"),
    "another version's hashes": (_swap_manifest, "its SHA-256"),
    "a later format": (_set("format", 2), r"manifest\.json: format"),
    "a scorecard's later format": (
        _edited(SCORECARD, lambda card: card.update(format=2)),
        r"scorecard\.json: format",
    ),
    "a field of another schema": (_set("surprise", 1), r"manifest\.json: surprise"),
    "a missing file": (lambda folder: (folder / CARD).unlink(), "No such file"),
    "a missing manifest": (lambda folder: (folder / MANIFEST).unlink(), "No such file"),
    "NaN as a weight": (_weight(float("nan")), r"scorecard\.json: columns\.3\.weight"),
    "infinity as a weight": (_weight(float("inf")), r"scorecard\.json: columns\.3\.weight"),
    "null as a weight": (_weight(None), r"scorecard\.json: columns\.3\.weight"),
    "a scorecard that says other points": (_weight(9.0), "points and columns do not agree"),
    "an intercept that golden rows belie": (
        _edited(SCORECARD, lambda card: card.update(intercept=0.0)),
        "golden row 0 scores",
    ),
    "a scorecard without columns": (
        _edited(
            SCORECARD,
            lambda card: card.update(columns=[], points={}, correlation=[], third_moments=[]),
        ),
        "no model can be made of it",
    ),
    "moments that there cannot be": (_moments(1e308), "a correlation is beyond 1"),
    "a path out of the folder": (_names("../../CURRENT"), "is not a name in a model store"),
    "a path out of a folder in it": (_names("plots/../../x"), "is not a name in a model store"),
    "an absolute path": (_names("/etc/passwd"), "is not a name in a model store"),
    "a link in place of a file": (_link_file, "card.md: is a symbolic link"),
    "a link in place of the folder": (_link_folder, "is a symbolic link"),
    "a pipe in place of a file": (_pipe, "is no regular file"),
}


@pytest.mark.timeout(200)
@pytest.mark.parametrize(("harm", "told"), REFUSED.values(), ids=list(REFUSED))
def test_a_version_that_is_not_right_is_refused_with_the_reason(
    folder: Path, harm: Harm, told: str
) -> None:
    assert load_model(folder)
    harm(folder)
    with pytest.raises(ModelRefusedError, match=told):
        load_model(folder)


def test_a_plot_in_a_folder_of_its_own_is_kept_and_checked(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    plot = b"\x89PNG"
    files = {**package().files, "plots/calibration_curve.png": plot}
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    manifest = package().manifest.model_copy(update={"files": hashes})
    folder = store.write_candidate(manifest, files)
    assert load_model(folder)
    (folder / "plots").rename(tmp_path / "plots")
    (folder / "plots").symlink_to(tmp_path / "plots")
    with pytest.raises(ModelRefusedError, match="plots: is a symbolic link"):
        load_model(folder)


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    """A store where three versions served, the newest by name first."""
    store = ModelStore(tmp_path / "models")
    for day in (3, 1, 2):
        store.write_candidate(package(day).manifest, package(day).files)
        store.publish(version_of(day))
    return store


def _tear(store: ModelStore, day: int) -> None:
    (store.published(version_of(day)) / CARD).write_text("torn")


def test_what_the_pointer_names_is_served(store: ModelStore) -> None:
    served = load_served(store)
    assert (served.model.version, served.refused) == (version_of(2), None)


@pytest.mark.parametrize("pointer", ["nonsense ../..", "", "20990101T000000Z-00000000"])
def test_behind_a_pointer_to_nonsense_the_last_that_served_answers_and_reports_it(
    store: ModelStore, pointer: str
) -> None:
    store.pointer.write_text(pointer)
    served = load_served(store)
    assert served.model.version == version_of(2)
    assert f"{version_of(2)}, the last sound version that served, answers" in str(served.refused)


def test_a_pointer_that_is_gone_or_a_link_is_no_reason_to_serve_nothing(store: ModelStore) -> None:
    store.pointer.unlink()
    assert load_served(store).model.version == version_of(2)
    store.pointer.symlink_to("/etc/hostname")
    assert load_served(store).model.version == version_of(2)


def test_it_is_the_order_of_service_that_counts_and_truncated_versions_are_passed_over(
    store: ModelStore,
) -> None:
    _tear(store, 2)
    assert load_served(store).model.version == version_of(1)
    _tear(store, 1)
    assert load_served(store).model.version == version_of(3)


def test_a_version_that_never_served_is_not_fallen_back_on(store: ModelStore) -> None:
    store.write_candidate(package(4).manifest, package(4).files)
    store.candidate(version_of(4)).rename(store.published(version_of(4)))
    store.pointer.write_text("nonsense ../..")
    assert load_served(store).model.version == version_of(2)


def test_where_none_is_sound_the_first_reason_is_reported(store: ModelStore) -> None:
    for day in (1, 2, 3):
        _tear(store, day)
    with pytest.raises(ModelRefusedError, match=f"{version_of(2)}/{CARD}"):
        load_served(store)


def test_an_empty_store_serves_nothing_and_reports_it(tmp_path: Path) -> None:
    with pytest.raises(NoModelError, match="no model has been published yet"):
        load_served(ModelStore(tmp_path))


def test_a_damaged_order_of_service_loses_its_damaged_lines_only(store: ModelStore) -> None:
    path = store.path / "SERVED"
    path.write_bytes(b"\xff\xfe garbage\n" + path.read_bytes() + b"2026-13-45 x\n")
    store.pointer.write_text("nonsense ../..")
    assert load_served(store).model.version == version_of(2)


def test_what_served_last_answers_where_no_model_can_be_made_of_the_live_version(
    store: ModelStore,
) -> None:
    REFUSED["a scorecard without columns"][0](store.published(version_of(2)))
    store.publish(version_of(2))  # with the hash of what is there now
    served = load_served(store)
    assert served.model.version == version_of(1)
    assert served.refused
    assert "no model can be made of it" in served.refused
