import numpy as np
import pytest

from churn.customer.field import NO, YES
from churn.model.columns import AUXILIARY_COLUMNS, MODEL_COLUMNS, DesignColumn, Transform
from churn.training.features import design, target
from tests.customer_file import customers, customers_of


def _name(column: DesignColumn) -> str:
    """Return the column's name as scikit-learn gives it."""
    if column.transform is Transform.LOG1P:
        return f"log_counts__{column.field.name}"
    if column.value == YES and NO in column.field.values and len(column.field.values) == 3:
        return f"yes__{column.field.name}"
    return f"one_hot__{column.field.name}_{column.value}"


def test_the_model_columns_are_in_the_order_of_the_design_matrix() -> None:
    fitted = design().fit(customers())
    assert [_name(column) for column in MODEL_COLUMNS] == list(fitted.get_feature_names_out())


def test_a_model_column_gives_the_number_that_the_design_matrix_has() -> None:
    frame = customers().iloc[::100]
    matrix = design().fit_transform(frame)
    ours = [
        [column.of(known[column.field.name]) for column in MODEL_COLUMNS]
        for known in customers_of(frame)
    ]
    np.testing.assert_allclose(np.array(ours), matrix, rtol=1e-15)


def test_the_charges_are_auxiliary_and_no_inputs_of_the_model() -> None:
    charges = {"monthly_charges", "total_charges"}
    assert {column.field.name for column in AUXILIARY_COLUMNS} == {"tenure", *charges}
    assert charges.isdisjoint(column.field.name for column in MODEL_COLUMNS)


def test_an_unknown_category_is_refused_and_not_scored_as_the_reference() -> None:
    frame = customers().iloc[:200]
    fitted = design().fit(frame)
    with pytest.raises(ValueError, match="Ten years"):
        fitted.transform(frame.assign(contract="Ten years"))


def test_the_target_is_one_for_churned_customers() -> None:
    assert target(customers()).sum() == 1_869
