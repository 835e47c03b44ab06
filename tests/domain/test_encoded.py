"""Customers in few bytes each: nothing a model sees is lost."""

import itertools
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from churn.customer.description import CHURN, FEATURES
from churn.customer.field import FieldKind
from churn.customer.profile import DIGITS
from churn.model.columns import MODEL_COLUMNS, TREE_COLUMNS
from churn.training.encoded_customers import Encoded
from churn.training.families import matrix
from churn.training.features import fit_profiles, pipeline, target
from tests.customer_file import customers

ROOT = Path(__file__).parents[2]


def test_every_field_but_the_amounts_and_the_id_is_a_digit_with_room_for_its_values() -> None:
    expected = {CHURN.name, *(f.name for f in FEATURES if f.kind is not FieldKind.MONEY)}
    assert set(DIGITS) == expected
    digits = list(DIGITS.values())
    for one, following in itertools.pairwise(digits):
        assert following.factor == one.factor * one.base
    assert digits[-1].factor * digits[-1].base < 2**63


@pytest.mark.parametrize("columns", [MODEL_COLUMNS, TREE_COLUMNS], ids=["scorecard", "trees"])
def test_the_design_matrix_is_that_of_the_frame(columns: tuple[object, ...]) -> None:
    frame = customers()
    found = Encoded.of(frame).matrix(columns)  # type: ignore[arg-type]
    np.testing.assert_array_equal(found, matrix(frame, columns))  # type: ignore[arg-type]
    np.testing.assert_array_equal(Encoded.of(frame).y, target(frame))


def test_profiles_stand_for_all_customers_each_once() -> None:
    frame = pd.concat([customers()] * 3, ignore_index=True)
    rows = Encoded.of(frame).profiles()
    assert len(set(rows.codes)) == len(rows) < len(frame) / 3
    assert rows.weights.sum() == len(frame)
    assert rows.weights @ rows.y == frame["churn"].sum()
    assert rows.weights @ rows.amounts["monthly_charges"] == pytest.approx(
        frame["monthly_charges"].sum()
    )


def test_the_fit_on_profiles_is_the_fit_on_all_customers() -> None:
    frame = customers()
    found = fit_profiles(Encoded.of(frame), frame)
    expected = pipeline().fit(frame, target(frame))
    for name in ("coef_", "intercept_"):
        np.testing.assert_allclose(
            getattr(found["logistic"], name), getattr(expected["logistic"], name), atol=1e-6
        )
    np.testing.assert_allclose(found["scale"].mean_, expected["scale"].mean_, atol=1e-12)


def test_blocks_are_the_rows_in_their_order() -> None:
    rows = Encoded.of(pd.concat([customers()] * 20, ignore_index=True))
    codes = np.concatenate([block.codes for block in rows.blocks()])
    np.testing.assert_array_equal(codes, rows.codes)
    assert sum(1 for _ in rows.blocks()) > 1


_EXTRA = """
from dataclasses import replace
from churn.customer import description as customer
from churn.customer.field import FieldKind
extra = [
    replace(customer.TENURE, name="calls", header="Calls", maximum=50),
    replace(customer.MONTHLY_CHARGES, name="arrears", header="Arrears"),
]
customer.FEATURES = (*customer.FEATURES, *extra)
customer.COLUMNS = (customer.CUSTOMER_ID, *customer.FEATURES, customer.CHURN)
customer.BY_NAME = {field.name: field for field in customer.COLUMNS}
from churn.model.columns import COLUMNS, TREE_COLUMNS
from churn.training.compiling import block_of_frame, compile_scorecard, largest_difference
from churn.model.conditioning import Conditioner
from churn.customer.parsing import parse_customer
from churn.model.block import block_of
from churn.model.block_score import score_block
from churn.training.encoded_customers import Encoded
from churn.training.families import matrix
from churn.training.features import fit_profiles
from tests.customer_file import customers
frame = customers().assign(calls=lambda f: f.tenure % 13, arrears=lambda f: f.total_charges / 7)
learn = Encoded.of(frame)
for columns in (COLUMNS, TREE_COLUMNS):
    assert {"calls", "arrears"} <= {column.field.name for column in columns}
    assert (learn.matrix(columns) == matrix(frame, columns)).all()
model = fit_profiles(learn, frame)
scorecard = compile_scorecard(model, learn)
assert any(column.weight for column in scorecard.columns if column.field == "calls")
assert largest_difference(model, scorecard, frame) < 1e-9
conditioner = Conditioner(scorecard)
rows = [parse_customer({"calls": 3, "arrears": 4.5}), *block_of_frame(frame).customers()[:50]]
scored = score_block(conditioner, block_of(rows))
assert scored.probability.tolist() == [conditioner.score(row).probability for row in rows]
assert block_of(rows).customer(0) == rows[0]
assert len({conditioner.score(parse_customer({"calls": n})).probability for n in (3, 12)}) == 2
"""


def test_extra_numbers_in_the_description_of_a_customer_are_modelled_as_themselves() -> None:
    """In a process of its own, as modules derive their columns when they are imported."""
    done = subprocess.run(
        [sys.executable, "-c", _EXTRA], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_value_that_is_none_of_the_fields_is_refused() -> None:
    frame = customers().assign(contract="Ten years")
    with pytest.raises(ValueError, match="contract: a value is none of Month-to-month"):
        Encoded.of(frame)
