"""Trains every family on the customers, measures them, and fits the one that is published."""

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from psycopg import sql
from sklearn.pipeline import Pipeline

from churn.core.errors import DataQualityError
from churn.core.training_options import Economics, TrainingOptions
from churn.customer.description import CUSTOMER_ID, MIN_PER_CLASS
from churn.customer.look_alikes import leaders
from churn.model.policy import Policy
from churn.model.ranking import Floats
from churn.model.recipe import STANDARD, Recipe
from churn.model.scorecard import Scorecard
from churn.training import holdout
from churn.training.compiling import compile_scorecard, compile_trees, largest_difference
from churn.training.encoded_customers import Encoded
from churn.training.evaluation import Dataset
from churn.training.families import SCORECARD, Learner
from churn.training.features import fit_profiles
from churn.training.selection import EvaluationReport, evaluate
from churn.warehouse import customers
from churn.warehouse.connect import Connection
from churn.warehouse.customers import Population
from churn.warehouse.encoded import read_encoded

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainingSet:
    """Customers to measure models on, those the published one learns from, and how many in all."""

    measured: Dataset
    learned: Encoded
    population: Population


@dataclass(frozen=True)
class Trained:
    """A fitted model in its forms, and what is known of it.

    ``trees`` is XGBoost's own JSON, of a tree family only; ``fitted`` is on how many customers the
    model is fitted: all but the hold-out.
    """

    model: Pipeline
    scorecard: Scorecard
    trees: bytes | None
    population: Population
    fitted: int
    options: TrainingOptions
    report: EvaluationReport
    largest_difference: float

    @property
    def customers(self) -> int:
        """How many there are, the hold-out included."""
        return self.population.customers

    @property
    def churned(self) -> int:
        """How many of them churned."""
        return self.population.churned

    @property
    def policy(self) -> Policy:
        """What follows from a probability, by the objective that was set."""
        return self.report.policy(self.options.objective)

    @property
    def family(self) -> Learner:
        """The family that is published."""
        return self.report.choice.family


def train(data: TrainingSet, options: TrainingOptions) -> Trained:
    """Measure every family, choose one and fit it on the customers who are not held out.

    Raises:
        DataQualityError: too few customers churned or were retained, or a column leaks the answer.
        ModelRefusedError: the compiled scorecard is not the fitted model.
    """
    _require_both_classes(data.population)
    report = evaluate(data.measured, options)
    family, learned, frame = report.choice.family, data.learned, report.rows.frame
    log.info("the family to publish: %s", family.title)
    protected = options.protected_attributes
    model = fit_profiles(learned, frame, protected)
    scorecard = compile_scorecard(model, learned, protected)
    difference = largest_difference(model, scorecard, frame)
    log.info("the scorecard equals the scikit-learn pipeline (%.1e)", difference)
    trees = _trees(family, learned, frame)
    fitted = round(float(learned.weights.sum()))
    return Trained(model, scorecard, trees, data.population, fitted, options, report, difference)


def train_frame(
    frame: "pd.DataFrame",
    options: TrainingOptions | None = None,
    *,
    recipe: Recipe = STANDARD,
    weights: Floats | None = None,
) -> Trained:
    """Train on a frame that has all customers; ``weights``: how many each row stands for."""
    chosen = options or TrainingOptions()
    rows = _in_order(frame, chosen.economics, recipe, weights)
    learned = rows.take(~rows.is_held_out)
    data = TrainingSet(
        _sampled(rows, chosen.evaluated_rows),
        Encoded.of(learned.frame, learned.weights),
        Population(rows.customers, rows.churned),
    )
    return train(data, chosen)


def read_training_set(
    connection: Connection,
    options: TrainingOptions,
    *,
    recipe: Recipe = STANDARD,
    source: sql.Composable = customers.NOW,
) -> TrainingSet:
    """Read all customers to measure on, or a sample of many, and in few bytes all to learn from."""
    rows = read_encoded(connection, source)
    first = leaders(rows.codes, rows.hashes)
    encoded = Encoded(rows.codes, rows.amounts, np.ones(len(rows.codes)))
    population = Population(len(first), int(encoded.y.sum()))
    sampled = holdout.is_sampled(first, options.evaluated_rows / max(1, len(first)))
    frame = (
        customers.read_customers(connection, source)
        if sampled.all()
        else customers.read_some(connection, rows.hashes[sampled].tolist(), source)
    )
    log.info("measuring on %s of %s customers", f"{len(frame):,}", f"{len(first):,}")
    measured = _in_order(frame, options.economics, recipe)
    return TrainingSet(measured, encoded.take(~holdout.is_held_out(first)), population)


def _in_order(
    frame: "pd.DataFrame",
    economics: Economics,
    recipe: Recipe,
    weights: Floats | None = None,
) -> Dataset:
    """Return the rows by id, as a database's order depends on its collation, a file's on chance."""
    order = np.argsort(np.asarray(frame[CUSTOMER_ID.name], dtype=str), kind="stable")
    ordered = None if weights is None else weights[order]
    return Dataset.of(frame.iloc[order], economics, ordered, recipe)


def _sampled(rows: Dataset, at_most: int) -> Dataset:
    """Return the rows that models are measured on: all, or about so many, look-alikes together."""
    if len(rows.y) <= at_most:
        return rows
    return rows.take(holdout.is_sampled(rows.leaders, at_most / len(rows.y)))


def _trees(family: Learner, training: Encoded, sample: "pd.DataFrame") -> bytes | None:
    """Return the fitted trees in XGBoost's own JSON, or None where the family has no trees."""
    if family.name == SCORECARD:
        return None
    fitted = family.fit(training.matrix(family.columns), training.y, training.weights)
    return compile_trees(fitted, family, sample)


def _require_both_classes(population: Population) -> None:
    churned = population.churned
    retained = population.customers - churned
    if min(churned, retained) < MIN_PER_CLASS:
        raise DataQualityError(
            f"{churned} customers churned and {retained} were retained; a model needs at least "
            f"{MIN_PER_CLASS} of each. Is the right file loaded?"
        )
