"""Trains every family on the customers, measures them, and fits the one that is published."""

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sklearn.pipeline import Pipeline

from churn.customer import CUSTOMER_ID, MIN_PER_CLASS
from churn.errors import DataQualityError
from churn.model import holdout
from churn.model.compiling import compile_scorecard, compile_trees, largest_difference
from churn.model.evaluation import Rows
from churn.model.families import SCORECARD, Family, matrix
from churn.model.features import fit_weighted, pipeline
from churn.model.policy import Policy
from churn.model.ranking import Floats
from churn.model.scorecard import Scorecard
from churn.options import Economics, TrainingOptions
from churn.selection import Report, evaluate

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Trained:
    """A fitted model in its forms, and what is known of it.

    ``trees`` is XGBoost's own JSON, of a tree family only.
    """

    model: Pipeline
    scorecard: Scorecard
    trees: bytes | None
    everybody: Rows
    options: TrainingOptions
    report: Report
    largest_difference: float

    @property
    def customers(self) -> int:
        """How many there are, the hold-out included."""
        return self.everybody.customers

    @property
    def churned(self) -> int:
        """How many of them had left."""
        return self.everybody.churned

    @property
    def policy(self) -> Policy:
        """What follows from a probability, by the objective that was set."""
        return self.report.policy(self.options.objective)

    @property
    def family(self) -> Family:
        """The family that is published."""
        return self.report.choice.family


def train(
    frame: "pd.DataFrame",
    options: TrainingOptions | None = None,
    weights: Floats | None = None,
) -> Trained:
    """Measure every family, choose one and fit it on the customers who are not held out.

    ``weights`` says how many customers each row stands for.

    Raises:
        DataQualityError: too few customers who left, or who stayed, or something tells the answer.
        ModelRefusedError: the compiled scorecard is not the fitted model.
    """
    chosen = options or TrainingOptions()
    everybody = _in_order(frame, weights, chosen.economics)
    _require_both_classes(everybody)
    report = evaluate(_evaluated(everybody, chosen.evaluated_rows), chosen)
    log.info("the family to publish: %s", report.choice.family.title)
    learn = everybody.take(~everybody.is_held_out)
    protected = chosen.protected_attributes
    model = fit_weighted(pipeline(protected), learn.frame, learn.y, learn.weights)
    scorecard = compile_scorecard(model, learn.frame, learn.weights, protected)
    difference = largest_difference(model, scorecard, report.rows.frame)
    log.info("the scorecard equals the scikit-learn pipeline (%.1e)", difference)
    trees = _trees(report.choice.family, learn)
    return Trained(model, scorecard, trees, everybody, chosen, report, difference)


def _in_order(frame: "pd.DataFrame", weights: Floats | None, economics: Economics) -> Rows:
    """Return the rows by id, as a database's order depends on its collation, a file's on chance."""
    order = np.argsort(np.asarray(frame[CUSTOMER_ID.name], dtype=str), kind="stable")
    return Rows.of(frame.iloc[order], economics, None if weights is None else weights[order])


def _evaluated(rows: Rows, at_most: int) -> Rows:
    """Return the rows that models are measured on: all, or so many chosen by a hash of the id."""
    if len(rows.y) <= at_most:
        return rows
    log.info("measuring on %s of %s customers", f"{at_most:,}", f"{len(rows.y):,}")
    places = holdout.sample_positions(rows.frame[CUSTOMER_ID.name])
    return rows.take(places < at_most / len(rows.y))


def _trees(family: Family, learn: Rows) -> bytes | None:
    """Return the fitted trees in XGBoost's own JSON, or None where the family has no trees."""
    if family.name == SCORECARD:
        return None
    fitted = family.fit(matrix(learn.frame, family.columns), learn.y, learn.weights)
    return compile_trees(fitted, family, learn.frame)


def _require_both_classes(rows: Rows) -> None:
    churned, stayed = rows.churned, rows.customers - rows.churned
    if min(churned, stayed) < MIN_PER_CLASS:
        raise DataQualityError(
            f"{churned} customers left and {stayed} stayed; a model needs at least "
            f"{MIN_PER_CLASS} of each. Is the right file loaded?"
        )
