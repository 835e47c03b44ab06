"""Compiles the fitted scikit-learn pipeline to a scorecard and proves that they agree."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from churn.customer import FEATURES, Known
from churn.errors import ModelRefusedError
from churn.model.columns import AUXILIARY_COLUMNS, COLUMNS, MODEL_COLUMNS, DesignColumn, Transform
from churn.model.conditioning import Conditioner
from churn.model.features import probabilities, target
from churn.model.scorecard import Scorecard, WeightedColumn, points

if TYPE_CHECKING:
    import pandas as pd

TOLERANCE = 1e-9


def compile_scorecard(model: Pipeline, frame: "pd.DataFrame") -> Scorecard:
    """Return the scorecard of a fitted pipeline, with the moments of the rows it was fitted on."""
    design = model["design"].transform(frame)
    matrix = np.column_stack([design, *(_values(c, frame) for c in AUXILIARY_COLUMNS)])
    auxiliary = matrix[:, design.shape[1] :]
    means = np.concatenate([model["scale"].mean_, auxiliary.mean(axis=0)])
    spread = auxiliary.std(axis=0)
    scales = np.concatenate([model["scale"].scale_, np.where(spread > 0, spread, 1.0)])
    weights = np.concatenate([model["logistic"].coef_[0], np.zeros(len(AUXILIARY_COLUMNS))])
    z = (matrix - means) / scales
    y = target(frame)
    seen = z.T @ (y - y.mean()) / len(y)
    unbounded = tuple(map(_weighted, COLUMNS, means, scales, weights, seen))
    size = len(MODEL_COLUMNS)
    columns = (*unbounded[:size], *map(_bounded, unbounded[size:], auxiliary.T))
    return Scorecard(
        intercept=float(model["logistic"].intercept_[0]),
        base_rate=float(y.mean()),
        columns=columns,
        points=points(columns),
        correlation=tuple(tuple(map(float, row)) for row in z.T @ z / len(z)),
    )


def _values(column: DesignColumn, frame: "pd.DataFrame") -> NDArray[np.float64]:
    values = np.asarray(frame[column.field.name], dtype=float)
    return np.log1p(values) if column.transform is Transform.LOG1P else values


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
