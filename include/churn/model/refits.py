"""Scores customers by models of a recipe that had not learned from them.

A customer's fold follows from the id alone. So a recipe that is fitted on the customers as they
were at an earlier load leaves out the same customers as one that is fitted on those of today, and
both score each customer of today unseen.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from churn.model.evaluation import FOLDS, REPEATS
from churn.model.ranking import Floats, Outcomes

_DIGITS: Final = 4

Folds = NDArray[np.int64]
"""The fold of each customer in each repeat, shape (repeats, customers)."""


@dataclass(frozen=True)
class Refit:
    """A model that learned from all customers but those of one fold."""

    repeat: int
    fold: int
    fitted: Any


def folds(ids: Iterable[str]) -> Folds:
    """Return each customer's folds, by digits of the hash that the hold-out does not use."""
    digests = [hashlib.md5(one.encode(), usedforsecurity=False).hexdigest() for one in ids]
    starts = range(32 - REPEATS * _DIGITS, 32, _DIGITS)
    found = [[int(one[start : start + _DIGITS], 16) % FOLDS for one in digests] for start in starts]
    return np.array(found, dtype=np.int64)


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
