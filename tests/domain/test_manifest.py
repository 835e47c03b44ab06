import json

import pytest

from churn.core.errors import ModelRefusedError
from churn.registry.manifest import read_manifest
from tests.customer_file import package


def _written(**changes: object) -> bytes:
    document = json.loads(package().manifest.model_dump_json())
    return json.dumps({**document, **changes}).encode()


def test_a_written_manifest_is_read_back_as_it_was() -> None:
    assert read_manifest(package().manifest.model_dump_json().encode()) == package().manifest


def test_the_manifest_has_the_metrics_of_the_version() -> None:
    measured = package().manifest.cross_validation
    assert measured["roc_auc"].mean >= 0.849
    assert measured["log_loss"].mean <= 0.412
    assert package().manifest.majority_baseline["accuracy"] == pytest.approx(0.7346, abs=1e-4)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("format", 2),
        ("version", "../../etc"),
        ("version", ""),
        ("version", ".hidden"),
        ("version", "a/b"),
        ("version", "x\n"),
        ("created_at", "yesterday"),
        ("fingerprint", "abc"),
        ("threshold", 1.5),
        ("threshold", "NaN"),
        ("golden_rows", []),
        ("files", {"scorecard.json": "abc"}),
        ("surprise", 1),
    ],
)
def test_a_manifest_that_is_not_right_is_refused_with_the_field(field: str, value: object) -> None:
    with pytest.raises(ModelRefusedError, match=rf"manifest\.json: {field}"):
        read_manifest(_written(**{field: value}))


def test_a_manifest_with_two_thresholds_is_refused_with_both() -> None:
    with pytest.raises(ModelRefusedError, match=r"threshold 0\.4 is not the policy's 0\.14"):
        read_manifest(_written(threshold=0.4))


def test_a_manifest_from_before_the_margin_and_the_incentive_decides_as_it_did() -> None:
    document = json.loads(_written())
    for name in ("margin", "incentive", "retained_acceptance"):
        del document["policy"][name]
    for name in ("fitted", "held_out"):
        del document["trained_on"][name]
    found = read_manifest(json.dumps(document).encode())
    assert found.policy == package().manifest.policy
    assert found.trained_on.fitted is None


@pytest.mark.parametrize("content", [b"", b"{", b"null", b"[]", b"\x89PNG\r\n\x1a\n", b"{}"])
def test_something_else_than_a_manifest_is_refused(content: bytes) -> None:
    with pytest.raises(ModelRefusedError, match=r"manifest\.json"):
        read_manifest(content)
