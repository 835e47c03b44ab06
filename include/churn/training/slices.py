"""How the model does on parts of the customers: by gender, age and contract."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from churn.customer.description import CONTRACT, GENDER, SENIOR_CITIZEN
from churn.model import metrics
from churn.model.bootstrap import Figure, interval
from churn.model.policy import Policy
from churn.model.ranking import Floats, Ranked, roc_auc
from churn.training.consequences import contact_figures, mean, share
from churn.training.evaluation import Dataset, Evaluation

if TYPE_CHECKING:
    import pandas as pd

FIELDS: Final = (GENDER, SENIOR_CITIZEN, CONTRACT)


@dataclass(frozen=True)
class Slice:
    """Some of the customers: how well they are ranked and calibrated, and what is decided on them.

    ``scores`` are out of fold; ``decisions`` are on the hold-out, where no threshold was chosen.
    """

    field: str
    value: str
    customers: int
    churned: int
    scores: Mapping[str, Figure]
    decisions: Mapping[str, Figure]

    @property
    def name(self) -> str:
        """The slice in words."""
        return f"{self.field.replace('_', ' ')}: {self.value}"


def masks(frame: "pd.DataFrame") -> Iterator[tuple[str, str, NDArray[np.bool_]]]:
    """Yield the field, the value and the rows of each slice."""
    for field in FIELDS:
        values = frame[field.name]
        for value in field.values:
            yield field.name, field.label(value), np.asarray(values == value)


def slices(
    rows: Dataset, evaluation: Evaluation, held_out: Dataset, p: Floats, policy: Policy
) -> tuple[Slice, ...]:
    """Return every slice that has customers; ``p`` are the scores of the hold-out."""
    contacted = policy.contacts(p, held_out.monthly_charges)
    pairs = zip(masks(rows.frame), masks(held_out.frame), strict=True)
    return tuple(
        Slice(
            field=field,
            value=value,
            customers=round(rows.weights[mask].sum()),
            churned=round((rows.weights * rows.y)[mask].sum()),
            scores=_scores(rows, evaluation, mask),
            decisions=contact_figures(held_out, contacted, held_out_mask),
        )
        for (field, value, mask), (_, _, held_out_mask) in pairs
        if mask.any() and held_out_mask.any()
    )


def _scores(rows: Dataset, evaluation: Evaluation, mask: NDArray[np.bool_]) -> dict[str, Figure]:
    """Return the figures of a slice, each the mean over the cross-validation's repeats."""
    y, weights = rows.y[mask], rows.resampled[:, mask]
    scored = evaluation.out_of_fold[:, mask]
    mean_score = np.mean(scored, axis=0)
    all_rows = np.ones(len(y))
    return {
        "churn_rate": share(weights, y.astype(float), all_rows),
        "mean_score": share(weights, mean_score, all_rows),
        "calibration_gap": mean(weights, mean_score - y),
        "roc_auc": interval(np.mean([roc_auc(Ranked(y, p, weights)) for p in scored], axis=0)),
        "log_loss": interval(np.mean([metrics.log_loss(y, p, weights) for p in scored], axis=0)),
    }
