"""What is published of a model holds no single customer's numbers."""

import json
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from churn.customer.description import FEATURES
from churn.customer.parsing import parse_customer
from churn.training.disclosure import coarse, crowded_range, invented_customers
from churn.training.families import GRADIENT_BOOSTING, RANDOM_FOREST, families, matrix
from churn.training.features import target
from tests.customer_file import customers, package, trained

AMOUNTS = st.floats(0, 1e9, allow_nan=False, allow_subnormal=False)


@given(AMOUNTS)
def test_a_coarse_amount_has_three_digits_and_is_near(amount: float) -> None:
    found = float(coarse(np.array([amount]))[0])
    assert abs(found - amount) <= 0.005 * amount + 1e-9
    assert len(re.sub(r"e.*", "", f"{found:.9e}").replace(".", "").rstrip("0")) <= 3 or found < 1e-6


@given(arrays(float, st.integers(20, 60), elements=AMOUNTS), AMOUNTS)
def test_no_single_customer_moves_a_bound_beyond_the_others(
    amounts: NDArray[np.float64], extreme: float
) -> None:
    others = np.delete(amounts, np.argmax(amounts))
    low, high = crowded_range(np.append(others, extreme))
    assert others.min() * 0.995 - 1e-9 <= low <= high <= others.max() * 1.005 + 1e-9


@pytest.mark.parametrize("name", [RANDOM_FOREST, GRADIENT_BOOSTING])
def test_trees_hold_no_amount_but_rounded_ones(name: str) -> None:
    frame = customers().iloc[::3]
    family = next(one for one in families() if one.name == name)
    fitted = family.fit(matrix(frame, family.columns), target(frame), np.ones(len(frame)))
    trees = json.loads(fitted.get_booster().save_raw("json"))["learner"]["gradient_booster"]
    amounts = [i for i, column in enumerate(family.columns) if "charges" in column.name]
    seen = [
        threshold
        for tree in trees["model"]["trees"]
        for threshold, place, left in zip(
            tree["split_conditions"], tree["split_indices"], tree["left_children"], strict=True
        )
        if left != -1 and place in amounts
    ]
    assert len(seen) > 10
    np.testing.assert_allclose(seen, coarse(np.array(seen)), rtol=1e-6)
    assert max(seen) <= float(coarse(np.array([frame["total_charges"].max()]))[0])


def test_golden_rows_are_consistent_and_no_customer() -> None:
    golden = package().manifest.golden_rows
    frame = customers()
    for row in golden:
        known = parse_customer(dict(row.known))
        assert parse_customer(known).keys() >= row.known.keys()
        assert not np.isin(row.known["total_charges"], frame["total_charges"])
        assert not np.isin(row.known.get("monthly_charges", -1), frame["monthly_charges"])


def test_invented_customers_take_every_value_of_every_choice_and_are_the_same_again() -> None:
    scorecard = trained().scorecard
    many = invented_customers(scorecard, 500, seed=1)
    assert many == invented_customers(scorecard, 500, seed=1)
    for field in FEATURES:
        if not field.is_number:
            assert {row[field.name] for row in many} == set(field.values)
    for row in many:
        parse_customer(dict(row))
