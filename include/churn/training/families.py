"""The families of models that are trained on the same folds every time, and what each sees.

A design column is a fixed function of a customer (fixed categories, no learned state), so that a
design matrix may be made once, before the folds are cut.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from churn.core.training_options import ProtectedAttributes
from churn.customer import description
from churn.customer.description import FEATURES
from churn.customer.field import FieldKind
from churn.model import score
from churn.model.columns import MODEL_COLUMNS, TREE_COLUMNS, DesignColumn, Transform
from churn.model.recipe import SEED
from churn.training.disclosure import coarse
from churn.training.features import REGULARISATION_C, linear

if TYPE_CHECKING:
    import pandas as pd

SCORECARD: Final = score.ModelFamily.SCORECARD.value
LOGISTIC_ALL_COLUMNS: Final = "logistic_all_columns"
FOUR_FIELDS: Final = "four_fields"
RANDOM_FOREST: Final = score.ModelFamily.RANDOM_FOREST.value
GRADIENT_BOOSTING: Final = score.ModelFamily.GRADIENT_BOOSTING.value
TREE_FAMILIES: Final = (RANDOM_FOREST, GRADIENT_BOOSTING)

_ALL_COLUMNS: Final = tuple(
    column
    for field in FEATURES
    for column in (
        [DesignColumn(field, Transform.IDENTITY)]
        if field.is_number
        else [DesignColumn(field, Transform.EQUALS, value) for value in field.values[1:]]
    )
)
_FOUR_COLUMNS: Final = (
    DesignColumn(description.TENURE, Transform.IDENTITY),
    DesignColumn(description.MONTHLY_CHARGES, Transform.IDENTITY),
    DesignColumn(description.GENDER, Transform.EQUALS, "Male"),
    DesignColumn(description.PARTNER, Transform.EQUALS, True),
)


@dataclass(frozen=True)
class Learner:
    """A family as it is trained: the design columns, and the estimator that learns from them."""

    name: str
    title: str
    columns: tuple[DesignColumn, ...]
    make: Callable[[], Any]
    weight_parameters: tuple[str, ...] = ("scale__sample_weight", "logistic__sample_weight")

    @property
    def is_publishable(self) -> bool:
        """Whether a version may be of this family: the others are there for comparison only."""
        return self.name == SCORECARD or self.name in TREE_FAMILIES

    def fit(self, matrix: NDArray[np.float64], y: NDArray[np.int64], weights: Any) -> Any:
        """Return the estimator fitted on design rows that stand for ``weights`` customers each.

        Trees keep amounts that they saw as thresholds, so they see rounded ones.
        """
        seen = _coarse(matrix, self.columns) if self.name in TREE_FAMILIES else matrix
        return self.make().fit(seen, y, **dict.fromkeys(self.weight_parameters, weights))


def _coarse(matrix: NDArray[np.float64], columns: Sequence[DesignColumn]) -> NDArray[np.float64]:
    amounts = [
        place for place, column in enumerate(columns) if column.field.kind is FieldKind.MONEY
    ]
    seen = matrix.copy(order="K")
    seen[:, amounts] = coarse(matrix[:, amounts])
    return seen


def families(protected: ProtectedAttributes = ProtectedAttributes.USE) -> tuple[Learner, ...]:
    """Return the champion's family first, then its challengers.

    Gender and age are left out of all but the origin's four fields, which cannot be published.
    """
    model, all_columns, trees = (
        allowed(columns, protected) for columns in (MODEL_COLUMNS, _ALL_COLUMNS, TREE_COLUMNS)
    )
    weighted = ("sample_weight",)
    return (
        Learner(SCORECARD, "scorecard", model, partial(linear, REGULARISATION_C)),
        Learner(LOGISTIC_ALL_COLUMNS, "logistic, all columns", all_columns, partial(linear, 1.0)),
        Learner(
            FOUR_FIELDS, "logistic, the origin's four fields", _FOUR_COLUMNS, partial(linear, 1.0)
        ),
        Learner(RANDOM_FOREST, "random forest", trees, _forest, weighted),
        Learner(GRADIENT_BOOSTING, "gradient boosting", trees, _boosting, weighted),
    )


def allowed(
    columns: Sequence[DesignColumn], protected: ProtectedAttributes
) -> tuple[DesignColumn, ...]:
    """Return the columns that a model may see."""
    if protected is ProtectedAttributes.USE:
        return tuple(columns)
    return tuple(column for column in columns if not column.field.protected)


def matrix(frame: "pd.DataFrame", columns: Sequence[DesignColumn]) -> NDArray[np.float64]:
    """Return the design matrix, shape (customers, columns)."""
    return np.column_stack([_values(column, frame) for column in columns])


def _values(column: DesignColumn, frame: "pd.DataFrame") -> NDArray[np.float64]:
    values = frame[column.field.name]
    if column.transform is Transform.EQUALS:
        return np.asarray(values == column.value, dtype=float)
    numbers = np.asarray(values, dtype=float)
    return np.log1p(numbers) if column.transform is Transform.LOG1P else numbers


def _boosting() -> Any:
    from xgboost import XGBClassifier

    return XGBClassifier(
        n_estimators=300,
        learning_rate=0.05,
        max_depth=2,
        min_child_weight=5,
        reg_lambda=10,
        colsample_bynode=0.3,
        tree_method="hist",
        n_jobs=1,
        random_state=SEED,
    )


def _forest() -> Any:
    """Two rounds of a forest of 50 trees, in XGBoost's way.

    With one round a leaf is one Newton step from the base rate, which cannot reach a probability
    under some 8 % on this data; the second round corrects that, and scores stay log-odds.
    """
    from xgboost import XGBClassifier

    return XGBClassifier(
        n_estimators=2,
        num_parallel_tree=50,
        learning_rate=1.0,
        max_depth=6,
        min_child_weight=2,
        reg_lambda=1,
        subsample=0.63,
        colsample_bynode=0.25,
        tree_method="hist",
        n_jobs=1,
        random_state=SEED,
    )
