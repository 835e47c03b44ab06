import hashlib
import io
import json
import re

import joblib
import numpy as np

from churn.customer import FEATURES
from churn.model.features import probabilities
from churn.registry.store import CARD, MODEL, SCORECARD
from tests.customer_file import customers, package, trained


def test_a_version_is_named_by_its_time_and_its_content() -> None:
    manifest = package().manifest
    assert manifest.version == f"20260101T020000Z-{manifest.fingerprint[:8]}"


def test_the_fingerprint_is_of_the_rounded_weights_and_not_of_the_time() -> None:
    scorecard = trained().scorecard
    numbers = [scorecard.intercept, *(column.weight for column in scorecard.columns)]
    rounded = json.dumps([round(number, 10) for number in numbers])
    expected = hashlib.sha256(rounded.encode()).hexdigest()
    assert {package(day).manifest.fingerprint for day in (1, 2)} == {expected}


def test_every_file_is_in_the_manifest_with_its_hash() -> None:
    hashes = {n: hashlib.sha256(c).hexdigest() for n, c in package().files.items()}
    assert package().manifest.files == hashes
    assert set(hashes) == {SCORECARD, MODEL, CARD}


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


def test_the_card_puts_every_metric_beside_the_majority_baseline() -> None:
    card = package().files[CARD].decode()
    assert "| metric | this model | majority baseline |" in card
    for title in ("accuracy", "ROC-AUC", "PR-AUC", "log-loss", "Brier score"):
        assert re.search(rf"\| {title} \| 0\.\d{{4}} ± 0\.\d{{4}} \| 0\.\d{{4}} \|", card), title
    assert "7,043 customers, of whom 1,869 (26.54%) had left" in card


def test_the_card_lists_the_points_of_every_value() -> None:
    card = package().files[CARD].decode()
    for field, row in trained().scorecard.points.items():
        for label, points in row.items():
            assert f"| {field.replace('_', ' ')} | {label} | {points:+.3f} |" in card


def test_the_manifest_names_the_recipe_and_the_libraries() -> None:
    manifest = package().manifest
    assert manifest.recipe["C"] == 0.1
    assert set(manifest.libraries) == {"python", "scikit-learn", "numpy", "pandas"}
