from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.utils.estimator_checks import parametrize_with_checks

from churn.core.training_options import ProtectedAttributes
from churn.model.boosted import matrix as matrix_of_known
from churn.model.columns import MODEL_COLUMNS, TREE_COLUMNS
from churn.training.evaluation import probability
from churn.training.families import TREE_FAMILIES, Learner, families, matrix
from churn.training.features import REGULARISATION_C, design, linear, target
from tests.customer_file import customers, customers_of

NAMES = [family.name for family in families()]


def _family(name: str) -> Learner:
    return families()[NAMES.index(name)]


def _not_of_a_pipeline(_: object) -> dict[str, str]:
    why = "scikit-learn's own Pipeline fits its steps in place"
    return dict.fromkeys(
        ("check_estimators_overwrite_params", "check_dont_overwrite_parameters"), why
    )


@parametrize_with_checks(  # type: ignore[untyped-decorator]
    [linear(REGULARISATION_C)], expected_failed_checks=_not_of_a_pipeline
)
def test_what_we_compose_passes_scikit_learns_checks(
    estimator: object, check: Callable[[object], None]
) -> None:
    check(estimator)


def test_the_scorecard_comes_first_and_every_challenger_is_there() -> None:
    assert NAMES == [
        "scorecard",
        "logistic_all_columns",
        "four_fields",
        "random_forest",
        "gradient_boosting",
    ]


def test_only_what_the_service_can_read_may_be_published() -> None:
    publishable = {family.name for family in families() if family.is_publishable}
    assert publishable == {"scorecard", *TREE_FAMILIES}


def test_the_design_matrix_is_the_one_of_the_published_pipeline() -> None:
    frame = customers().iloc[::50]
    expected = design().fit_transform(frame)
    np.testing.assert_array_equal(matrix(frame, MODEL_COLUMNS), expected)


def test_trees_learn_from_the_matrix_that_the_service_scores() -> None:
    frame = customers().iloc[::50]
    served = matrix_of_known(customers_of(frame))
    np.testing.assert_array_equal(matrix(frame, TREE_COLUMNS).astype(np.float32), served)


def test_leaving_protected_attributes_out_leaves_no_column_of_them() -> None:
    for family in families(ProtectedAttributes.LEAVE_OUT):
        if family.is_publishable:
            assert not [column for column in family.columns if column.field.protected]


def test_the_pipeline_without_protected_attributes_has_the_same_columns_in_the_same_order() -> None:
    frame = customers().iloc[::50]
    family = families(ProtectedAttributes.LEAVE_OUT)[0]
    expected = design(ProtectedAttributes.LEAVE_OUT).fit_transform(frame)
    np.testing.assert_array_equal(matrix(frame, family.columns), expected)


@pytest.mark.parametrize("name", ["scorecard", "logistic_all_columns", "four_fields"])
def test_a_row_that_stands_for_three_customers_teaches_as_three_would(name: str) -> None:
    frame, family = customers().iloc[::20], _family(name)
    thrice = pd.concat([frame, frame, frame])
    weighted = family.fit(matrix(frame, family.columns), target(frame), np.full(len(frame), 3.0))
    repeated = family.fit(matrix(thrice, family.columns), target(thrice), np.ones(len(thrice)))
    design_rows = matrix(frame, family.columns)
    np.testing.assert_allclose(
        probability(weighted, design_rows), probability(repeated, design_rows), atol=1e-4
    )


@pytest.mark.parametrize("name", NAMES)
def test_fitting_twice_gives_the_same_scores(name: str) -> None:
    frame, family = customers().iloc[::10], _family(name)
    design_rows, y, ones = matrix(frame, family.columns), target(frame), np.ones(len(frame))
    first, second = (probability(family.fit(design_rows, y, ones), design_rows) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_no_estimator_of_our_own_hides_from_the_checks() -> None:
    """All that learns comes from a library; one of our own would belong into the checks above."""
    ours = [c for c in _subclasses(BaseEstimator) if c.__module__.startswith("churn")]
    assert ours == []


def _subclasses(of: type) -> set[type]:
    found: list[type] = of.__subclasses__()
    return {of}.union(*map(_subclasses, found))
