"""The sample's customers with their scores, their true probabilities and the reference."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import cross_val_predict

from benchmarks.scoring import customers
from churn.customer.description import BY_NAME, CHURN, CUSTOMER_ID
from churn.model.recipe import Recipe
from churn.monitoring.reference import SCORE_BINS, FieldReference, Reference, score_bins
from churn.pipeline.reference_counts import reference_of
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
    columns = pd.get_dummies(frame.drop(columns=[CUSTOMER_ID.name, CHURN.name])).astype(float)
    trees = HistGradientBoostingClassifier(
        learning_rate=0.05,
        max_iter=300,
        max_leaf_nodes=4,
        min_samples_leaf=20,
        l2_regularization=10,
        max_features=0.3,
        early_stopping=False,
        random_state=0,
    )
    truth = cross_val_predict(trees, columns, trained.report.rows.y, cv=5, method="predict_proba")
    p = trained.report.published.repeat(0)
    return Population(frame, p, np.asarray(truth[:, 1]), reference_of(trained))


def _bins(reference: FieldReference, column: NDArray[np.object_]) -> NDArray[np.intp]:
    if reference.is_number:
        return np.searchsorted(reference.edges, column.astype(float), side="right")
    places = {value: place for place, value in enumerate(BY_NAME[reference.field].values)}
    return np.array([places.get(value, len(places)) for value in column.tolist()])
