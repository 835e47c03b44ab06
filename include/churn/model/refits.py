"""Scores customers by models of a recipe that had not learned from them.

A customer's fold follows from the choices alone. So a recipe that is fitted on the customers as
they were at an earlier load leaves out the same choices as one that is fitted on those of today,
and both score each customer of today without having seen one with the same choices.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from churn.look_alikes import hashes
from churn.model.evaluation import FOLDS, REPEATS, Folds
from churn.model.ranking import Floats, Outcomes

_BITS: Final = 9
"""The lowest of the hash: the hold-out goes by the highest."""


@dataclass(frozen=True)
class Refit:
    """A model that learned from all customers but those of one fold."""

    repeat: int
    fold: int
    fitted: Any


def folds(codes: NDArray[np.int64]) -> Folds:
    """Return the folds of each profile number, by its choices."""
    found, lowest = hashes(codes), (1 << _BITS) - 1
    return np.stack([(found >> _BITS * repeat & lowest) % FOLDS for repeat in range(REPEATS)])


def refit(
    fit: Callable[[Floats, Outcomes], Any], design: Floats, y: Outcomes, places: Folds
) -> list[Refit]:
    """Fit once for each fold of each repeat, on the customers outside of it."""
    return [
        Refit(repeat, fold, fit(design[places[repeat] != fold], y[places[repeat] != fold]))
        for repeat in range(len(places))
        for fold in range(FOLDS)
    ]


def score_unseen(refits: Sequence[Refit], design: Floats, places: Folds) -> Floats:
    """Return the probabilities, shape (repeats, customers), each by the refit of its own fold."""
    found = np.empty(places.shape)
    for one in refits:
        rows = np.flatnonzero(places[one.repeat] == one.fold)
        if len(rows):
            found[one.repeat, rows] = one.fitted.predict_proba(design[rows])[:, 1]
    return found
