"""Compiles the fitted scikit-learn pipeline to a scorecard and proves that they agree."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from churn.customer import FEATURES, Known
from churn.errors import ModelRefusedError
from churn.model.boosted import BoostedModel
from churn.model.columns import AUXILIARY_COLUMNS, COLUMNS, DesignColumn
from churn.model.conditioning import Conditioner
from churn.model.families import Family, allowed, matrix
from churn.model.features import probabilities, target
from churn.model.scorecard import Scorecard, WeightedColumn, points
from churn.options import ProtectedAttributes

if TYPE_CHECKING:
    import pandas as pd
    from xgboost import XGBClassifier

TOLERANCE = 1e-9
TREES_TOLERANCE = 1e-6
"""XGBoost computes in single precision."""
_COMPARED_ROWS = 1_000


def compile_scorecard(
    model: Pipeline,
    frame: "pd.DataFrame",
    weights: NDArray[np.float64] | None = None,
    protected: ProtectedAttributes = ProtectedAttributes.USE,
) -> Scorecard:
    """Return the scorecard of a fitted pipeline, with the moments of the rows it was fitted on."""
    counts = np.ones(len(frame)) if weights is None else weights
    auxiliary = matrix(frame, AUXILIARY_COLUMNS)
    means = np.concatenate([model["scale"].mean_, np.average(auxiliary, axis=0, weights=counts)])
    spread = np.sqrt(
        np.average((auxiliary - means[-len(AUXILIARY_COLUMNS) :]) ** 2, axis=0, weights=counts)
    )
    scales = np.concatenate([model["scale"].scale_, np.where(spread > 0, spread, 1.0)])
    slopes = np.concatenate([model["logistic"].coef_[0], np.zeros(len(AUXILIARY_COLUMNS))])
    z = (np.column_stack([model["design"].transform(frame), auxiliary]) - means) / scales
    y = target(frame)
    base_rate = float(np.average(y, weights=counts))
    seen = (z.T * counts) @ (y - base_rate) / counts.sum()
    unbounded = tuple(map(_weighted, allowed(COLUMNS, protected), means, scales, slopes, seen))
    size = len(unbounded) - len(AUXILIARY_COLUMNS)
    columns = (*unbounded[:size], *map(_bounded, unbounded[size:], auxiliary.T))
    return Scorecard(
        intercept=float(model["logistic"].intercept_[0]),
        base_rate=base_rate,
        columns=columns,
        points=points(columns),
        correlation=tuple(tuple(map(float, row)) for row in (z.T * counts) @ z / counts.sum()),
    )


def _weighted(
    column: DesignColumn, mean: float, scale: float, weight: float, seen: float
) -> WeightedColumn:
    value = column.value
    return WeightedColumn(
        field=column.field.name,
        transform=column.transform,
        value=value if isinstance(value, bool | str) else None,
        mean=float(mean),
        scale=float(scale),
        weight=float(weight),
        outcome_covariance=float(seen),
    )


def _bounded(column: WeightedColumn, values: NDArray[np.float64]) -> WeightedColumn:
    bounds = {"lowest": float(values.min()), "highest": float(values.max())}
    return column.model_copy(update=bounds)


def known_rows(frame: "pd.DataFrame") -> list[Known]:
    """Return each customer of the frame as the scorecard reads one."""
    names = [field.name for field in FEATURES]
    return [dict(zip(names, row, strict=True)) for row in frame[names].itertuples(index=False)]


def largest_difference(model: Pipeline, scorecard: Scorecard, frame: "pd.DataFrame") -> float:
    """Return the largest difference in probability between the two, over every row.

    Raises:
        ModelRefusedError: it is over the tolerance, so the scorecard is not the model.
    """
    conditioner = Conditioner(scorecard)
    scored = np.array([conditioner.score(known).probability for known in known_rows(frame)])
    difference = float(np.abs(scored - probabilities(model, frame)).max())
    if not difference <= TOLERANCE:
        raise ModelRefusedError(
            f"the scorecard differs from the scikit-learn pipeline by {difference:.3g} "
            f"(allowed {TOLERANCE:g}); nothing is published"
        )
    return difference


def compile_trees(fitted: "XGBClassifier", family: Family, frame: "pd.DataFrame") -> bytes:
    """Return fitted trees in XGBoost's own JSON, read back and compared over at most 1,000 rows.

    Raises:
        ModelRefusedError: what is read back is not the fitted model.
    """
    booster = fitted.get_booster()
    booster.feature_names = [column.name for column in family.columns]
    content = bytes(booster.save_raw("json"))
    sample = frame.iloc[:: max(1, len(frame) // _COMPARED_ROWS)]
    read = BoostedModel.from_json(content).probabilities(known_rows(sample))
    expected = fitted.predict_proba(matrix(sample, family.columns))[:, 1]
    difference = float(np.abs(read - expected).max())
    if not difference <= TREES_TOLERANCE:
        raise ModelRefusedError(
            f"the trees read from JSON differ from the fitted ones by {difference:.3g} "
            f"(allowed {TREES_TOLERANCE:g}); nothing is published"
        )
    return content
