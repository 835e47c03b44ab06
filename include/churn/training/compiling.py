"""Compiles the fitted scikit-learn pipeline to a scorecard and proves that they agree."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from churn.core.errors import ModelRefusedError
from churn.core.training_options import ProtectedAttributes
from churn.model.block import CHOICES, NUMBERS, Block, completed_block
from churn.model.block_score import score_block
from churn.model.boosted import BoostedModel
from churn.model.columns import AUXILIARY_COLUMNS, COLUMNS, DesignColumn, Transform
from churn.model.conditioning import Conditioner
from churn.model.score import ModelFamily
from churn.model.scorecard import Scorecard, WeightedColumn, points
from churn.training.disclosure import crowded_range
from churn.training.encoded_customers import Encoded
from churn.training.families import Learner, allowed, matrix
from churn.training.features import probabilities

if TYPE_CHECKING:
    import pandas as pd
    from xgboost import XGBClassifier

_COMPARED_ROWS = 1_000
_DECIMALS = 8


@dataclass(frozen=True)
class _Moments:
    """Of standardised columns: their correlation, third moments, and covariance with the outcome.

    ``third`` has the shape (columns, columns, columns).
    """

    correlation: NDArray[np.float64]
    third: NDArray[np.float64]
    with_outcome: NDArray[np.float64]


def compile_scorecard(
    model: Pipeline,
    training: Encoded,
    protected: ProtectedAttributes = ProtectedAttributes.USE,
) -> Scorecard:
    """Return the scorecard of a fitted pipeline, with the moments of the rows it was fitted on."""
    auxiliary = training.matrix(AUXILIARY_COLUMNS)
    centre = np.average(auxiliary, axis=0, weights=training.weights)
    spread = np.sqrt(np.average((auxiliary - centre) ** 2, axis=0, weights=training.weights))
    means = np.concatenate([model["scale"].mean_, centre])
    scales = np.concatenate([model["scale"].scale_, np.where(spread > 0, spread, 1.0)])
    slopes = np.concatenate([model["logistic"].coef_[0], np.zeros(len(AUXILIARY_COLUMNS))])
    base_rate = float(np.average(training.y, weights=training.weights))
    columns = allowed(COLUMNS, protected)
    moments = _moments(training, columns, means, scales, base_rate)
    unbounded = tuple(map(_weighted, columns, means, scales, slopes, moments.with_outcome))
    size = len(unbounded) - len(AUXILIARY_COLUMNS)
    bounded = (*unbounded[:size], *map(_bounded, unbounded[size:], auxiliary.T))
    return Scorecard(
        intercept=float(model["logistic"].intercept_[0]),
        base_rate=base_rate,
        columns=bounded,
        points=points(bounded),
        correlation=tuple(tuple(map(float, row)) for row in moments.correlation),
        third_moments=tuple(
            round(float(moments.third[place]), _DECIMALS)
            for place in combinations_with_replacement(range(len(columns)), 3)
        ),
    )


def _moments(
    training: Encoded,
    columns: Sequence[DesignColumn],
    means: NDArray[np.float64],
    scales: NDArray[np.float64],
    base_rate: float,
) -> _Moments:
    """Sum over blocks of rows, so that the standardised matrix is never whole in memory."""
    size = len(columns)
    correlation, third = np.zeros((size, size)), np.zeros((size, size, size))
    with_outcome = np.zeros(size)
    for block in training.blocks():
        z = (block.matrix(columns) - means) / scales
        weighted = z.T * block.weights
        correlation += weighted @ z
        with_outcome += weighted @ (block.y - base_rate)
        for i in range(size):  # only j and k from i on: the others are the same products
            third[i, i:, i:] += (weighted[i:] * z[:, i]) @ z[:, i:]
    total = training.weights.sum()
    return _Moments(correlation / total, third / total, with_outcome / total)


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
    is_log = column.transform is Transform.LOG1P
    ends = crowded_range(np.expm1(values) if is_log else values)
    low, high = (column.design.of(end) for end in ends)
    return column.model_copy(update={"lowest": low, "highest": high})


def block_of_frame(frame: "pd.DataFrame") -> Block:
    """Return the customers of a frame as a scorecard reads them."""
    import pandas as pd

    choices = {f.name: pd.Categorical(frame[f.name], categories=f.values) for f in CHOICES}
    codes = {name: column.codes.astype(np.int32) for name, column in choices.items()}
    numbers = {field.name: frame[field.name].to_numpy(float) for field in NUMBERS}
    return completed_block(codes, numbers).block


def largest_difference(model: Pipeline, scorecard: Scorecard, frame: "pd.DataFrame") -> float:
    """Return the largest difference in probability between the two, over every row.

    Raises:
        ModelRefusedError: it is over the tolerance, so the scorecard is not the model.
    """
    scored = score_block(Conditioner(scorecard), block_of_frame(frame)).probability
    difference = float(np.abs(scored - probabilities(model, frame)).max())
    if not difference <= ModelFamily.SCORECARD.tolerance:
        raise ModelRefusedError(
            f"the scorecard differs from the scikit-learn pipeline by {difference:.3g} "
            f"(allowed {ModelFamily.SCORECARD.tolerance:g}); nothing is published"
        )
    return difference


def compile_trees(fitted: "XGBClassifier", family: Learner, frame: "pd.DataFrame") -> bytes:
    """Return fitted trees in XGBoost's own JSON, read back and compared over at most 1,000 rows.

    Raises:
        ModelRefusedError: what is read back is not the fitted model.
    """
    booster = fitted.get_booster()
    booster.feature_names = [column.name for column in family.columns]
    content = bytes(booster.save_raw("json"))
    sample = frame.iloc[:: max(1, len(frame) // _COMPARED_ROWS)]
    read = BoostedModel.from_json(content).probabilities(block_of_frame(sample).customers())
    expected = fitted.predict_proba(matrix(sample, family.columns))[:, 1]
    difference = float(np.abs(read - expected).max())
    allowed = ModelFamily(family.name).tolerance
    if not difference <= allowed:
        raise ModelRefusedError(
            f"the trees read from JSON differ from the fitted ones by {difference:.3g} "
            f"(allowed {allowed:g}); nothing is published"
        )
    return content
