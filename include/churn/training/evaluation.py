"""Measures families of models on customers that they have not seen, all on the same folds."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from churn.core.training_options import Economics, Objective
from churn.customer.description import MONTHLY_CHARGES
from churn.customer.look_alikes import Hashes
from churn.model.bootstrap import (
    FoldScores,
    Measured,
    NoiseFloor,
    measure,
    noise_floor,
    resampled,
)
from churn.model.metrics import Payoff
from churn.model.policy import Policy
from churn.model.ranking import Floats, Labels
from churn.model.recipe import STANDARD, Recipe
from churn.training import holdout
from churn.training.encoded_customers import leaders_of
from churn.training.families import Learner, matrix
from churn.training.features import target
from churn.training.folds import deal

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Dataset:
    """Customers to learn from or to be measured on; ``weights``: how many each row stands for."""

    frame: "pd.DataFrame"
    y: Labels
    weights: Floats
    payoff: Payoff
    recipe: Recipe = STANDARD

    @classmethod
    def of(
        cls,
        frame: "pd.DataFrame",
        economics: Economics,
        weights: Floats | None = None,
        recipe: Recipe = STANDARD,
    ) -> "Dataset":
        """Return the customers of a frame, each for one unless ``weights`` states otherwise."""
        policy = Policy.of(Objective.PROFIT, economics)
        gain = policy.gains(np.asarray(frame[MONTHLY_CHARGES.name], dtype=float))
        ones = np.ones(len(frame)) if weights is None else weights
        return cls(frame, target(frame), ones, Payoff(gain, policy.loss), recipe)

    def decided_by(self, policy: Policy) -> "Dataset":
        """Return the same rows, whose profit is that of a policy."""
        threshold = None if policy.objective is Objective.PROFIT else policy.threshold
        return replace(self, payoff=replace(self.payoff, threshold=threshold))

    def take(self, chosen: NDArray[np.bool_]) -> "Dataset":
        """Return some of the rows."""
        rows = np.flatnonzero(chosen)
        return replace(
            self,
            frame=self.frame.iloc[rows],
            y=self.y[rows],
            weights=self.weights[rows],
            payoff=self.payoff.take(rows),
        )

    @property
    def customers(self) -> int:
        """How many customers the rows stand for."""
        return round(float(self.weights.sum()))

    @property
    def churned(self) -> int:
        """How many of them churned."""
        return round(float(self.weights @ self.y))

    @cached_property
    def monthly_charges(self) -> Floats:
        """The monthly charges."""
        return np.asarray(self.frame[MONTHLY_CHARGES.name], dtype=float)

    @cached_property
    def is_held_out(self) -> NDArray[np.bool_]:
        """Which rows no published model may learn from."""
        return holdout.is_held_out(self.leaders)

    @cached_property
    def resampled(self) -> Floats:
        """The weights and their bootstrap draws, the same for every model."""
        return resampled(self.weights, draws=self.recipe.draws)

    @cached_property
    def folds(self) -> tuple[tuple[NDArray[np.intp], NDArray[np.intp]], ...]:
        """The rows to learn from and the rows to score, of each fold of each repeat."""
        folds = self.recipe.folds
        dealt = deal(self.y, self.leaders, folds, self.recipe.repeats)
        tests = [places == fold for places in dealt for fold in range(folds)]
        return tuple((np.flatnonzero(~test), np.flatnonzero(test)) for test in tests)

    @cached_property
    def leaders(self) -> Hashes:
        """Of each row's look-alikes, the hash of the first."""
        return leaders_of(self.frame)

    def measure(self, parts: Sequence[FoldScores]) -> Measured:
        """Return every metric of scores on these rows."""
        return measure(self.y, parts, self.resampled, self.payoff)


@dataclass(frozen=True)
class Evaluation:
    """A family's scores on rows that its models had not seen, and how good they are.

    So many ``parts`` as there are ``folds`` hold every row once.
    """

    family: Learner
    parts: tuple[FoldScores, ...]
    measured: Measured
    noise_floor: NoiseFloor
    folds: int

    def repeat(self, number: int) -> Floats:
        """Return the out-of-fold score of every row in one repeat of the cross-validation."""
        parts = self.parts[number * self.folds : (number + 1) * self.folds]
        scores = np.empty(sum(len(part.rows) for part in parts))
        for part in parts:
            scores[part.rows] = part.p
        return scores

    @cached_property
    def out_of_fold(self) -> Floats:
        """The out-of-fold scores of all repeats, shape (repeats, rows)."""
        return np.stack([self.repeat(number) for number in range(len(self.parts) // self.folds)])


def cross_validate(family: Learner, rows: Dataset) -> Evaluation:
    """Score every fold of each repeat by a model that is fitted on the others."""
    design = matrix(rows.frame, family.columns)
    parts = []
    for training, test in rows.folds:
        fitted = family.fit(design[training], rows.y[training], rows.weights[training])
        parts.append(FoldScores(test, probability(fitted, design[test])))
    return _evaluation(family, rows, parts, rows.recipe.folds)


def evaluate_once(family: Learner, training: Dataset, test: Dataset) -> Evaluation:
    """Fit the family on some rows and score others: for example the locked hold-out."""
    fitted = family.fit(matrix(training.frame, family.columns), training.y, training.weights)
    p = probability(fitted, matrix(test.frame, family.columns))
    return _evaluation(family, test, [FoldScores(np.arange(len(p)), p)], 1)


def probability(fitted: Any, design: Floats) -> Floats:
    """Return the probability of churning by a fitted estimator, shape (customers,)."""
    return np.asarray(fitted.predict_proba(design)[:, 1], dtype=float)


def folds_ahead(one: Measured, other: Measured, name: str = "log_loss") -> int:
    """Return in how many folds the first has the lower figure."""
    return int((one.by_part[name] < other.by_part[name]).sum())


def _evaluation(
    family: Learner, rows: Dataset, parts: Sequence[FoldScores], folds: int
) -> Evaluation:
    floor = noise_floor(parts, rows.weights, draws=rows.recipe.draws)
    return Evaluation(family, tuple(parts), rows.measure(parts), floor, folds)
