"""The scikit-learn side of the design matrix."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from churn.core.training_options import ProtectedAttributes
from churn.customer.description import CHURN
from churn.customer.field import YES
from churn.model.columns import COUNTS, MODEL_COLUMNS, ONE_HOT, YES_ONLY
from churn.training.encoded_customers import Encoded

if TYPE_CHECKING:
    import pandas as pd

REGULARISATION_C = 0.1


def is_yes(values: "pd.DataFrame") -> NDArray[np.float64]:
    """Return 1 where a service is taken, shape (customers, services)."""
    return np.asarray(values == YES, dtype=float)


def design(protected: ProtectedAttributes = ProtectedAttributes.USE) -> ColumnTransformer:
    """Return the transformer that makes ``MODEL_COLUMNS``, in their order."""
    fields = [f for f in ONE_HOT if protected is ProtectedAttributes.USE or not f.protected]
    one_hot = OneHotEncoder(
        categories=[list(field.values) for field in fields],
        drop="first",
        handle_unknown="error",
        sparse_output=False,
    )
    log_counts = FunctionTransformer(np.log1p, feature_names_out="one-to-one")
    yes = FunctionTransformer(is_yes, feature_names_out="one-to-one")
    return ColumnTransformer(
        [
            ("log_counts", log_counts, [field.name for field in COUNTS]),
            ("one_hot", one_hot, [field.name for field in fields]),
            ("yes", yes, [field.name for field in YES_ONLY]),
        ]
    )


def pipeline(protected: ProtectedAttributes = ProtectedAttributes.USE) -> Pipeline:
    """Return the champion's recipe, unfitted: design columns, standardised, logistic."""
    scale, logistic = linear(REGULARISATION_C).steps
    return Pipeline([("design", design(protected)), scale, logistic])


def linear(strength: float) -> Pipeline:
    """Return a logistic regression on standardised columns; ``strength`` is scikit-learn's C."""
    logistic = LogisticRegression(C=strength, solver="lbfgs", max_iter=3_000)
    return Pipeline([("scale", StandardScaler()), ("logistic", logistic)])


def fit_profiles(
    training: Encoded,
    some: "pd.DataFrame",
    protected: ProtectedAttributes = ProtectedAttributes.USE,
) -> Pipeline:
    """Return the recipe fitted on the customers' profiles, which is the fit on all of them.

    ``some`` customers fit the design, whose categories are fixed.
    """
    rows = training.profiles()
    columns = [
        c for c in MODEL_COLUMNS if protected is ProtectedAttributes.USE or not c.field.protected
    ]
    weights = dict.fromkeys(("scale__sample_weight", "logistic__sample_weight"), rows.weights)
    fitted = linear(REGULARISATION_C).fit(rows.matrix(columns), rows.y, **weights)
    return Pipeline([("design", design(protected).fit(some)), *fitted.steps])


def target(frame: "pd.DataFrame") -> NDArray[np.int64]:
    """Return 1 for churned customers."""
    return np.asarray(frame[CHURN.name], dtype=np.int64)


def probabilities(model: Any, frame: "pd.DataFrame") -> NDArray[np.float64]:
    """Return the probability of churning, shape (customers,)."""
    return np.asarray(model.predict_proba(frame)[:, 1], dtype=float)
