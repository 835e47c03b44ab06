import hashlib
import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import joblib
import numpy as np
import pytest

from churn.core.training_options import TrainingOptions
from churn.customer.description import FEATURES
from churn.customer.parsing import parse_customer
from churn.model.block import block_of
from churn.model.recipe import STANDARD, Recipe
from churn.monitoring.reference import FILE
from churn.pipeline.packing import Package, fingerprint, free_moment, pack, recipe
from churn.registry.loaded_model import load_model
from churn.registry.manifest import read_manifest
from churn.registry.store import CARD, MODEL, SCORECARD, TREES, ModelStore
from churn.training.families import TREE_FAMILIES, families
from churn.training.features import probabilities
from churn.training.report import card
from churn.training.report.plots import PICTURES
from churn.warehouse.customers import Snapshot
from tests.customer_file import SMALL, customers, customers_of, package, trained
from tests.interacting_customers import interacting_customers, trained_on_interactions


def test_a_version_is_named_by_its_time_and_its_content() -> None:
    manifest = package().manifest
    assert manifest.version == f"20260101T020000Z-{manifest.fingerprint[:8]}"


def test_a_second_in_which_the_same_model_was_named_is_left_out(tmp_path: Path) -> None:
    store, manifest = ModelStore(tmp_path), package().manifest
    taken, other = manifest.created_at, package(2).manifest.created_at
    assert free_moment(store, trained(), taken) == taken
    store.write_candidate(manifest, package().files)
    assert free_moment(store, trained(), taken) == taken + timedelta(seconds=1)
    store.publish(manifest.version)
    assert free_moment(store, trained(), taken) == taken + timedelta(seconds=1)
    assert free_moment(store, trained(), other) == other


def test_the_fingerprint_is_of_the_rounded_weights_and_not_of_the_time() -> None:
    scorecard = trained().scorecard
    numbers = [scorecard.intercept, *(column.weight for column in scorecard.columns)]
    rounded = json.dumps([round(number, 10) for number in numbers])
    expected = hashlib.sha256(rounded.encode()).hexdigest()
    assert {package(day).manifest.fingerprint for day in (1, 2)} == {expected}


def test_every_file_is_in_the_manifest_with_its_hash() -> None:
    hashes = {n: hashlib.sha256(c).hexdigest() for n, c in package().files.items()}
    assert package().manifest.files == hashes
    pictures = {f"plots/{name}.png" for name in PICTURES}
    assert set(hashes) == {SCORECARD, MODEL, CARD, FILE, *pictures}


def test_the_golden_rows_are_spread_over_risk_and_half_of_them_lack_fields() -> None:
    rows = package().manifest.golden_rows
    assert len(rows) == 12
    whole = [row for row in rows if len(row.known) == len(FEATURES)]
    assert len(whole) == 6
    risks = [row.probability for row in rows]
    assert min(risks) < 0.1
    assert max(risks) > 0.5


def test_the_model_for_analysts_is_the_scikit_learn_pipeline() -> None:
    loaded = joblib.load(io.BytesIO(package().files[MODEL]))
    frame = customers().iloc[::50]
    assert np.array_equal(probabilities(loaded, frame), probabilities(trained().model, frame))


def test_another_recipe_is_what_the_models_are_measured_by_and_what_is_recorded() -> None:
    model = trained_on_interactions()
    assert len(model.report.published.parts) == 2
    assert model.report.rows.resampled.shape[0] == 1 + 20
    recorded = recipe(model)
    assert Recipe.recorded(recorded) == SMALL
    assert Recipe.recorded(recipe(trained())) == STANDARD == Recipe(folds=5, repeats=3, draws=200)
    text = card.render("small", datetime(2026, 1, 1, tzinfo=UTC), model)
    assert "the mean over 2 folds, 1 times" in text
    assert "1.96 standard errors of 20 bootstrap draws" in text


def test_the_manifest_names_the_recipe_and_the_libraries() -> None:
    manifest = package().manifest
    assert manifest.recipe["C"] == 0.1
    assert set(manifest.libraries) == {
        "python",
        "scikit-learn",
        "xgboost-cpu",
        "numpy",
        "pandas",
    }


def test_the_manifest_has_what_was_measured_with_intervals() -> None:
    manifest = package().manifest
    for name, metric in manifest.cross_validation.items():
        assert metric.low is not None, name
        assert metric.high is not None, name
        assert metric.low <= metric.mean <= metric.high, name
    assert manifest.cross_validation["roc_auc"].mean >= 0.849
    assert manifest.cross_validation["pr_auc"].mean >= 0.668
    assert manifest.cross_validation["log_loss"].mean <= 0.412
    assert manifest.cross_validation["brier"].mean <= 0.1335
    assert manifest.folds_ahead_of_all_columns is not None
    assert manifest.folds_ahead_of_all_columns >= 13


def test_the_manifest_has_every_family_the_hold_out_and_the_slices() -> None:
    manifest = package().manifest
    assert list(manifest.challengers) == [family.name for family in families()]
    assert manifest.hold_out is not None
    assert (manifest.hold_out.customers, manifest.hold_out.churned) == (1_411, 356)
    assert [f"{one.field} {one.value}" for one in manifest.slices] == [
        "gender Female",
        "gender Male",
        "senior_citizen No",
        "senior_citizen Yes",
        "contract Month-to-month",
        "contract One year",
        "contract Two year",
    ]
    assert manifest.calibration is not None
    assert manifest.leak_checks is not None
    assert manifest.leak_checks.max_auc == 0.855


def test_the_manifest_keeps_the_policy_and_the_options_it_was_trained_with() -> None:
    manifest = package().manifest
    assert manifest.policy == trained().policy
    assert manifest.threshold == trained().policy.threshold == pytest.approx(0.143, abs=0.001)
    assert TrainingOptions.from_values(manifest.settings) == trained().options


def test_a_manifest_from_before_all_this_is_still_read() -> None:
    document = json.loads(package().manifest.model_dump_json())
    new = ("calibration", "hold_out", "challengers", "folds_ahead_of_all_columns")
    more = ("slices", "cost_of_leaving_out_protected", "leak_checks", "settings", "family")
    old = {name: value for name, value in document.items() if name not in (*new, *more)}
    found = read_manifest(json.dumps(old).encode())
    assert found.family == "scorecard"
    assert found.policy == package().manifest.policy


def _package_of_trees() -> Package:
    frame = interacting_customers()
    data = Snapshot(load_id=1, customers=len(frame), fingerprint="0" * 64)
    moment = datetime(2026, 2, 1, tzinfo=UTC)
    return pack(trained_on_interactions(), data=data, now=moment)


@pytest.mark.slow
def test_trees_that_win_are_published_as_json_and_served_from_it(tmp_path: Path) -> None:
    package_of_trees = _package_of_trees()
    version = package_of_trees.manifest.version
    store = ModelStore(tmp_path)
    store.write_candidate(package_of_trees.manifest, package_of_trees.files)
    store.publish(version)
    served = load_model(store.published(version))
    assert served.manifest.family in TREE_FAMILIES
    assert json.loads(package_of_trees.files[TREES])["learner"]
    frame = interacting_customers().iloc[::100]
    rows = customers_of(frame)
    score = served.score(rows[0])
    assert score.scored_by == served.manifest.family
    assert score.base + sum(score.contributions.values()) == pytest.approx(score.log_odds, abs=1e-9)
    likely = served.score_block(block_of(rows)).probability > 0.5
    assert np.mean(likely == (frame["partner"] ^ frame["paperless_billing"])) > 0.95


def test_trees_that_are_served_leave_missing_fields_to_the_scorecard(tmp_path: Path) -> None:
    package_of_trees = _package_of_trees()
    store = ModelStore(tmp_path)
    store.write_candidate(package_of_trees.manifest, package_of_trees.files)
    served = load_model(store.candidate(package_of_trees.manifest.version))
    assert served.score(parse_customer({"tenure": 5})).scored_by == "scorecard"


def test_other_trees_are_another_fingerprint() -> None:
    other = replace(trained_on_interactions(), trees=b'{"learner": {"leaf": 0.25}}')
    same = replace(trained_on_interactions(), trees=b'{"learner": {"leaf": 0.250000001}}')
    third = replace(trained_on_interactions(), trees=b'{"learner": {"leaf": 0.26}}')
    assert fingerprint(other) == fingerprint(same)
    assert len({fingerprint(other), fingerprint(third), fingerprint(trained())}) == 3
