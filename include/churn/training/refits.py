"""Scores customers by models of a recipe that had not learned from them.

A customer's fold follows from the id, or that of a look-alike. So a recipe that is fitted on the
customers as they were at an earlier load leaves out the same customers as one that is fitted on
those of today, and both score each customer of today unseen.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from churn.customer.description import CUSTOMER_ID
from churn.customer.look_alikes import Hashes, part
from churn.model.ranking import Floats, Labels
from churn.model.recipe import STANDARD, Recipe
from churn.training.encoded_customers import leaders_of
from churn.training.folds import Folds

if TYPE_CHECKING:
    import pandas as pd

_BITS: Final = 6
_LOWEST: Final = 18
"""``churn.training.holdout`` rests on the bits above."""


@dataclass(frozen=True)
class Refit:
    """A model that learned from all customers but those of one fold."""

    repeat: int
    fold: int
    fitted: Any


def folds(first: Hashes, recipe: Recipe = STANDARD) -> Folds:
    """Return the folds of customers, by the hashes of their leaders."""
    bits = (part(first, lowest=_LOWEST + _BITS * one, bits=_BITS) for one in range(recipe.repeats))
    return np.stack([one % recipe.folds for one in bits])


def folds_of(
    training: "pd.DataFrame", test: "pd.DataFrame", recipe: Recipe = STANDARD
) -> tuple[Folds, Folds]:
    """Return the folds of customers to learn from and to score; who is both is in one fold."""
    scored = leaders_of(test)
    known = dict(zip(test[CUSTOMER_ID.name], scored, strict=True))
    own = zip(training[CUSTOMER_ID.name], leaders_of(training), strict=True)
    learned = np.array([known.get(one, first) for one, first in own], dtype=np.int64)
    return folds(learned, recipe), folds(scored, recipe)


def refit(
    fit: Callable[[Floats, Labels], Any],
    design: Floats,
    y: Labels,
    places: Folds,
    folds: int = Recipe.folds,
) -> list[Refit]:
    """Fit once for each fold of each repeat, on the customers outside of it."""
    return [
        Refit(repeat, fold, fit(design[places[repeat] != fold], y[places[repeat] != fold]))
        for repeat in range(len(places))
        for fold in range(folds)
    ]


def score_unseen(refits: Sequence[Refit], design: Floats, places: Folds) -> Floats:
    """Return the probabilities, shape (repeats, customers), each by the refit of its own fold."""
    found = np.empty(places.shape)
    for one in refits:
        rows = np.flatnonzero(places[one.repeat] == one.fold)
        if len(rows):
            found[one.repeat, rows] = one.fitted.predict_proba(design[rows])[:, 1]
    return found
