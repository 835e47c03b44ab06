import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import xgboost
from hypothesis import given
from hypothesis import strategies as st

from churn.core.errors import ModelRefusedError
from churn.customer.description import FEATURES, Customer
from churn.customer.parsing import parse_customer
from churn.model.boosted import TREE_NAMES, BoostedModel, matrix
from churn.model.explanation import explain
from churn.model.score import ModelFamily, sigmoid
from churn.model.tree_check import DEEPEST
from churn.model.what_if import what_if
from churn.training.features import target
from tests.customer_file import customers, part_of
from tests.trees import BOOSTING, FOREST, booster, content, data, margins, model, rows

FAMILIES = pytest.mark.parametrize("family", [BOOSTING, FOREST])


def _document(family: ModelFamily = BOOSTING) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(content(family))
    return document


def _refused(document: object) -> str:
    with pytest.raises(ModelRefusedError, match=r"^trees\.json: ") as caught:
        BoostedModel.from_json(json.dumps(document).encode())
    return str(caught.value)


@FAMILIES
def test_the_trees_score_every_customer_as_xgboost_does(family: ModelFamily) -> None:
    expected = [sigmoid(float(margin)) for margin in margins(family)]
    np.testing.assert_array_equal(model(family).probabilities(rows()), expected)


@FAMILIES
def test_one_customer_is_scored_as_among_many(family: ModelFamily) -> None:
    some = rows()[::200]
    alone = [model(family).score(row).probability for row in some]
    np.testing.assert_array_equal(model(family).probabilities(some), alone)


@FAMILIES
def test_the_contributions_are_xgboosts_own_shapley_values_by_field(family: ModelFamily) -> None:
    values = booster(family).predict(data(), pred_contribs=True)[0]
    expected = dict.fromkeys((field.name for field in FEATURES), 0.0)
    for name, value in zip(TREE_NAMES, values[:-1], strict=True):
        expected[name.split("=")[0]] += float(value)
    score = model(family).score(rows()[0])
    assert score.contributions == pytest.approx(expected, abs=1e-6)
    assert score.base == pytest.approx(float(values[-1]), abs=1e-5)


@FAMILIES
@given(number=st.integers(0, 7_042), most=st.integers(0, 9), protected=st.booleans())
def test_the_parts_of_an_explanation_add_up(
    family: ModelFamily, number: int, most: int, protected: bool
) -> None:
    known = rows()[number]
    score = model(family).score(known)
    parts = explain(known, score, most=most, protected=protected)
    reasons = sum(reason.log_odds for reason in parts.reasons)
    assert abs(parts.base + reasons + parts.other - parts.log_odds) <= 1e-9
    assert sigmoid(parts.log_odds) == score.probability
    assert parts.uncertainty == 0


def test_without_an_explanation_the_probability_is_the_same() -> None:
    known = rows()[3]
    brief, full = (model(BOOSTING).score(known, explained=flag) for flag in (False, True))
    assert brief.probability == full.probability
    assert brief.contributions == {}


@FAMILIES
def test_a_changed_customer_is_scored_by_the_trees_too(family: ModelFamily) -> None:
    known = next(row for row in rows() if row["contract"] == "Month-to-month")
    for change in what_if(known, model(family).changed):
        changed = parse_customer({**known, change.field: change.value})
        assert change.probability == model(family).score(changed).probability


@pytest.mark.parametrize("field", [field.name for field in FEATURES])
def test_any_missing_field_is_too_little_unless_it_follows(field: str) -> None:
    known = next(r for r in rows() if r["internet_service"] == "DSL" and r["phone_service"])
    some = part_of(known, known.keys() - {field})
    follows = field in some
    assert model(BOOSTING).knows_enough(some) is follows
    assert follows is (field == "phone_service")


def test_a_choice_has_a_column_for_each_value_and_a_flag_has_one() -> None:
    assert TREE_NAMES[:4] == ["tenure", "monthly_charges", "total_charges", "senior_citizen=Yes"]
    assert [n for n in TREE_NAMES if n.startswith("contract=")] == [
        "contract=Month-to-month",
        "contract=One year",
        "contract=Two year",
    ]
    assert len(set(TREE_NAMES)) == len(TREE_NAMES) == 26


def test_the_matrix_has_the_numbers_as_they_are_and_ones_where_a_value_is_had() -> None:
    known = rows()[0]
    row = dict(zip(TREE_NAMES, matrix([known])[0].tolist(), strict=True))
    assert row["tenure"] == 1
    assert row["monthly_charges"] == np.float32(29.85)
    assert row["contract=Month-to-month"] == 1
    assert row["contract=Two year"] == 0
    assert matrix([]).shape == (0, 26)


def test_the_order_of_the_columns_is_that_of_the_file() -> None:
    turned = TREE_NAMES[::-1]
    trained_on = xgboost.DMatrix(
        matrix(rows())[:, ::-1].copy(), target(customers()), feature_names=turned
    )
    other = xgboost.train({"objective": "binary:logistic", "nthread": 1}, trained_on, 5)
    read = BoostedModel.from_json(bytes(other.save_raw("json")))
    expected = [sigmoid(float(m)) for m in other.predict(trained_on, output_margin=True)]
    np.testing.assert_array_equal(read.probabilities(rows()), expected)


@pytest.mark.parametrize(
    "raw", [b"", b"\x80\x04\x95pickle", b"binf", b"{}", b"null", b"[]", b'{"learner": {}}']
)
def test_what_is_not_a_model_in_json_is_refused_before_xgboost_sees_it(raw: bytes) -> None:
    with pytest.raises(ModelRefusedError, match="not an XGBoost model in JSON"):
        BoostedModel.from_json(raw)


def test_xgboosts_binary_format_is_refused() -> None:
    with pytest.raises(ModelRefusedError, match="not an XGBoost model in JSON"):
        BoostedModel.from_json(bytes(booster(BOOSTING).save_raw("ubj")))


def test_columns_that_cannot_be_made_are_refused() -> None:
    document = _document()
    document["learner"]["feature_names"][5] = "contract=Ten years"
    assert "contract=Ten years" in _refused(document)
    document["learner"]["feature_names"] = []
    assert "0 columns are named, and [26] stated" in _refused(document)


def test_another_objective_is_refused() -> None:
    document = _document()
    document["learner"]["objective"]["name"] = "reg:squarederror"
    assert "'reg:squarederror', not 'binary:logistic'" in _refused(document)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_leaf_that_is_no_number_is_refused(number: str) -> None:
    before, name, after = content(BOOSTING).partition(b'"base_weights":[')
    assert name
    raw = before + name + f"{number},".encode() + after
    with pytest.raises(ModelRefusedError, match=f"has a number that is {number}"):
        BoostedModel.from_json(raw)


def test_json_that_xgboost_cannot_read_is_refused_with_its_reason() -> None:
    document = _document()
    del document["learner"]["learner_model_param"]["base_score"]
    assert "XGBoost cannot read it" in _refused(document)


def _with_nodes(changes: Mapping[str, object], number: int = 0) -> dict[str, Any]:
    """Change a tree's arrays (``name``), or single nodes of them (``name.node``)."""
    document = _document()
    tree = document["learner"]["gradient_booster"]["model"]["trees"][number]
    for place, value in changes.items():
        name, _, node = place.partition(".")
        if node:
            tree[name][int(node)] = value
        else:
            tree[name] = value
    return document


@pytest.mark.timeout(200)
@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"left_children.0": 10**6}, "a node is out of range"),
        ({"left_children.0": -7}, "a node is out of range"),
        ({"left_children.0": 0}, "is not the child of exactly one other"),
        ({"left_children.0": 2}, "is not the child of exactly one other"),
        ({"left_children.0": -1}, "a node is out of range"),
        ({"left_children.0": 1.5}, "left_children.0: Input should be a valid integer"),
        ({"parents.3": 2}, "parents and children do not agree"),
        (
            {"left_children.0": 7, "left_children.3": 1, "parents.7": 0, "parents.1": 3},
            "9 of 15 nodes",
        ),
        ({"split_indices.0": 26}, "column 26 is split on, and there are 26"),
        ({"split_indices.0": -1}, "greater than or equal to 0"),
        ({"split_type.0": 1}, "split_type.0"),
        ({"categories": [5]}, "categories"),
        ({"default_left.0": 2}, "default_left.0"),
        ({"split_conditions.0": 1e300}, "split_conditions.0"),
        ({"base_weights.0": None}, "base_weights.0"),
        ({"sum_hessian": []}, "15 nodes, but arrays of"),
        ({"id": 1}, "not numbered from 0 on"),
    ],
)
def test_nodes_that_make_no_tree_are_refused_before_xgboost_follows_them(
    changes: Mapping[str, object], told: str
) -> None:
    assert told in _refused(_with_nodes(changes))


def test_a_tree_that_is_too_deep_to_be_explained_is_refused() -> None:
    size = 2 * (DEEPEST + 1) + 1
    left = [node + 1 if node % 2 == 0 else -1 for node in range(size - 1)]
    right = [node + 2 if node % 2 == 0 else -1 for node in range(size - 1)]
    parents = [2**31 - 1, *((node - 1) // 2 * 2 for node in range(1, size))]
    flat = ("split_indices", "split_type", "split_conditions", "default_left", "base_weights")
    rest: dict[str, object] = {n: [0] * size for n in (*flat, "loss_changes", "sum_hessian")}
    shape = {"left_children": [*left, -1], "right_children": [*right, -1], "parents": parents}
    param = {**_tree_param(), "num_nodes": str(size)}
    told = _refused(_with_nodes({**rest, **shape, "tree_param": param}))
    assert f"{size - 2} of {size} nodes are within {DEEPEST} of the root" in told


def _tree_param() -> dict[str, str]:
    trees = _document()["learner"]["gradient_booster"]["model"]["trees"]
    param: dict[str, str] = trees[0]["tree_param"]
    return param


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("iteration_indptr", [0, 10**9], "the iterations do not divide up the trees"),
        ("iteration_indptr", [0, 50, 10, 60], "the iterations do not divide up the trees"),
        ("tree_info", [0] * 59 + [7], "tree_info.59"),
        (
            "gbtree_model_param",
            {"num_parallel_tree": "1", "num_trees": "61"},
            "61 and 60 are stated",
        ),
    ],
)
def test_an_ensemble_that_miscounts_its_trees_is_refused(
    name: str, value: object, told: str
) -> None:
    document = _document()
    document["learner"]["gradient_booster"]["model"][name] = value
    assert told in _refused(document)


@given(st.sampled_from(rows()[::500]), st.randoms())
def test_the_order_in_which_fields_are_given_does_not_matter(known: Customer, random: Any) -> None:
    items = list(known.items())
    random.shuffle(items)
    assert model(BOOSTING).score(parse_customer(dict(items))) == model(BOOSTING).score(known)
