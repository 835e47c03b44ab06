"""Leak checks: stop a run in which a column leaks the answer, and name the column."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from churn.core.errors import DataQualityError
from churn.core.training_options import MAX_ACCURACY, MAX_AUC, TrainingOptions
from churn.customer.description import (
    CHURN,
    COLUMNS,
    CUSTOMER_ID,
    FEATURES,
    TENURE,
    reveals_outcome,
)
from churn.model.bootstrap import Figure
from churn.model.ranking import Floats, Labels, Ranked, roc_auc

if TYPE_CHECKING:
    import pandas as pd

SINGLE_FIELD_AUC: Final = 0.95
REPEATED_SHARE: Final = 0.01
_GROUPS: Final = 20
_ROWS_PER_GROUP: Final = 50

SAMPLE_AUC: Final = 0.855
SAMPLE_ACCURACY: Final = 0.82
SAMPLE_CHURN: Final = 0.265
_SIMILAR_CHURN_RATE: Final = 0.02
"""The largest difference in churn rate at which the sample's accuracy ceiling applies."""

OTHER_AUC: Final = 0.95
_SAMPLE_ID: Final = re.compile(r"\d{4}-[A-Z]{5}")
"""How the ids of the IBM sample look; what an honest model reaches on it was measured."""
ENOUGH_ROWS: Final = 5_000
_MOST_IDS: Final = 0.5
"""The share of ids of the IBM sample's form from which a file is taken for it."""


@dataclass(frozen=True)
class Ceilings:
    """What an honest model stays under on these customers, and why that is believed."""

    auc: float
    accuracy: float
    reason: str


def refuse_suspects(frame: "pd.DataFrame", y: Labels, weights: Floats) -> Mapping[str, float]:
    """Look at each column by itself and at repeated customers; return each column's ROC-AUC.

    Raises:
        DataQualityError: naming the column that leaks the answer, or how many are there twice.
    """
    refuse_names(list(map(str, frame.columns)))
    refuse_repeated(frame)
    columns = [name for name in frame.columns if name not in (CUSTOMER_ID.name, CHURN.name)]
    single = {str(name): single_field_auc(frame[name], y, weights) for name in columns}
    for name, auc in single.items():
        if auc > SINGLE_FIELD_AUC:
            raise DataQualityError(
                f"{name} alone explains who churned "
                f"(ROC-AUC {auc:.3f}, over {SINGLE_FIELD_AUC}): "
                "it is the answer under another name, or was written after it; remove it from the "
                "file"
            )
    return single


def refuse_names(names: Sequence[str]) -> None:
    """Refuse columns that are the answer by their name.

    Raises:
        DataQualityError: naming them.
    """
    ours = {field.name for field in COLUMNS}
    suspects = [name for name in names if name not in ours and reveals_outcome(name)]
    if suspects:
        raise DataQualityError(
            f"{', '.join(suspects)}: derived from the answer, by the name; a model that sees this "
            "knows the answer; remove it from the file"
        )


def refuse_repeated(frame: "pd.DataFrame") -> None:
    """Refuse customers who are in the data twice: the figures would rest on fewer than are counted.

    New customers look alike honestly, so rows only count as repeated from the second month on,
    when all fields agree, the amount billed so far included.

    Raises:
        DataQualityError: stating how many; a log keeps no customer's id.
    """
    ids = frame[CUSTOMER_ID.name]
    twice = ids[ids.duplicated()]
    if len(twice):
        raise DataQualityError(f"{len(twice):,} customers are in the data twice, by their id")
    settled = frame[frame[TENURE.name] > 1]
    repeated = settled.duplicated([field.name for field in (*FEATURES, CHURN)])
    if repeated.sum() > REPEATED_SHARE * len(frame):
        raise DataQualityError(
            f"{repeated.sum():,} of {len(frame):,} customers equal another in every field but the "
            f"id (allowed {REPEATED_SHARE:.0%}): rows were copied, so the figures would rest on "
            "fewer customers than are counted"
        )


def single_field_auc(values: "pd.Series[Any]", y: Labels, weights: Floats) -> float:
    """Return the ROC-AUC of one column, each value scored by the churn rate of its customers.

    Numbers are cut into up to 20 groups of equally many, so that it need not be monotone.
    """
    groups = _groups(values)
    size = np.bincount(groups, weights)
    left = np.bincount(groups, weights * y)
    rate = np.divide(left, size, out=np.zeros_like(left), where=size > 0)
    return float(roc_auc(Ranked(y, rate[groups], weights[None, :]))[0])


def _groups(values: "pd.Series[Any]") -> NDArray[np.intp]:
    codes, distinct = values.factorize(sort=False)
    most = max(2, min(_GROUPS, len(values) // _ROWS_PER_GROUP))
    if len(distinct) <= most:
        return np.asarray(codes) + 1
    cuts = np.arange(1, most) / most
    try:
        numbers = np.asarray(values, dtype=float)
    except ValueError:  # words: by how common each is, as there are too many to group
        numbers = np.bincount(codes + 1)[codes + 1].astype(float)
    return np.searchsorted(np.unique(np.nanquantile(numbers, cuts)), numbers, side="left")


def ceilings(frame: "pd.DataFrame", options: TrainingOptions) -> Ceilings:
    """Return what an honest model stays under: as set, else by the kind of customers."""
    is_sample = frame[CUSTOMER_ID.name].astype(str).str.fullmatch(_SAMPLE_ID).mean() > _MOST_IDS
    auc = SAMPLE_AUC if is_sample else OTHER_AUC
    # With fewer churned customers than in the sample, predicting no churn is right more often.
    is_alike = is_sample and abs(frame[CHURN.name].mean() - SAMPLE_CHURN) < _SIMILAR_CHURN_RATE
    accuracy = SAMPLE_ACCURACY if is_alike else 1.0
    reason = "measured on the IBM sample" if is_sample else "for customers not measured before"
    if options.max_auc is not None or options.max_accuracy is not None:
        reason = "as set"
    return Ceilings(options.max_auc or auc, options.max_accuracy or accuracy, reason)


def refuse_too_good(
    found: Mapping[str, Figure], limits: Ceilings, single: Mapping[str, float], *, rows: int
) -> None:
    """Refuse figures that no honest model reaches on these customers.

    On fewer than 5,000 customers it is the lower end of the interval that must stay under, as
    chance alone moves the figure.

    Raises:
        DataQualityError: naming the figure, and the column that explains most.
    """
    suspect = max(single, key=lambda name: single[name])
    checks = [("roc_auc", limits.auc, MAX_AUC)]
    checks += [("accuracy", limits.accuracy, MAX_ACCURACY)] if limits.accuracy < 1 else []
    for name, limit, variable in checks:
        seen = found[name].value if rows >= ENOUGH_ROWS else found[name].low
        if seen >= limit:
            raise DataQualityError(
                f"cross-validated {name} {found[name].value:.4f} is over {limit:g} "
                f"({limits.reason}): something leaks the answer. Look first at {suspect}, which "
                f"alone has ROC-AUC {single[suspect]:.3f}. If these customers are honestly that "
                f"easy to separate, raise {variable}"
            )
