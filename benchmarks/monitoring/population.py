"""The sample's customers with their scores, their true probabilities and the reference."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.scoring import customers
from churn.customer.description import BY_NAME
from churn.model.recipe import Recipe
from churn.model.score import ModelFamily
from churn.monitoring.reference import SCORE_BINS, FieldReference, Reference, score_bins
from churn.pipeline.reference_counts import reference_of
from churn.training.evaluation import cross_validate
from churn.training.fitted import train_frame

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Population:
    """Customers of a frame; ``p`` is the scorecard's out-of-fold score, ``truth`` the churn."""

    frame: pd.DataFrame
    p: Floats
    truth: Floats
    reference: Reference

    def counts(self, frame: pd.DataFrame) -> Mapping[str, Integers]:
        """Return how many customers of a frame have each bin of each field."""
        return {
            one.field: np.bincount(
                _bins(one, np.asarray(frame[one.field])), minlength=len(one.customers)
            )
            for one in self.reference.fields
        }

    def scores(self, rows: NDArray[np.intp]) -> Integers:
        """Return how many of some customers have each bin of the score."""
        return np.bincount(score_bins(self.p[rows]), minlength=SCORE_BINS)


def population() -> Population:
    """Train on the sample, and take gradient boosting for the truth."""
    trained = train_frame(customers(), recipe=Recipe(repeats=1, draws=20))
    frame = trained.report.rows.frame.reset_index(drop=True)
    families = {one.family.name: one.family for one in trained.report.challengers}
    boosted = cross_validate(families[ModelFamily.GRADIENT_BOOSTING], trained.report.rows)
    p = trained.report.published.repeat(0)
    return Population(frame, p, boosted.repeat(0), reference_of(trained))


def _bins(reference: FieldReference, column: NDArray[np.object_]) -> NDArray[np.intp]:
    if reference.is_number:
        return np.searchsorted(reference.edges, column.astype(float), side="right")
    places = {value: place for place, value in enumerate(BY_NAME[reference.field].values)}
    return np.array([places.get(value, len(places)) for value in column.tolist()])
