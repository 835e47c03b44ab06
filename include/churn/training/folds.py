"""Deals customers into the folds of a cross-validation, look-alikes together."""

import numpy as np
from numpy.typing import NDArray

from churn.model.ranking import Labels
from churn.model.recipe import SEED

Folds = NDArray[np.int64]
"""The fold of each customer in each repeat, shape (repeats, customers)."""


def deal(y: Labels, groups: NDArray[np.int64], folds: int, repeats: int) -> Folds:
    """Return the fold of each row in each repeat, all rows of a group in one fold.

    The groups are ranked by how many churned, then by size, and dealt like cards, in an order that
    is drawn for each two rounds and turned round in the second. So the folds have about as many
    rows of each outcome. scikit-learn's ``StratifiedGroupKFold`` is as even, but takes 3 s for
    each repeat of 20,000 groups.
    """
    _, places = np.unique(groups, return_inverse=True)
    sizes, churned = np.bincount(places), np.bincount(places, y)
    random = np.random.default_rng(SEED)
    rounds = np.tile(np.arange(folds), (len(sizes) // (2 * folds) + 1, 1))
    found = np.empty((repeats, len(y)), dtype=np.int64)
    for repeat in range(repeats):
        ranked = np.lexsort((random.random(len(sizes)), -sizes, -churned))
        drawn = random.permuted(rounds, axis=1)
        fold = np.empty(len(sizes), dtype=np.int64)
        fold[ranked] = np.hstack([drawn, drawn[:, ::-1]]).ravel()[: len(sizes)]
        found[repeat] = fold[places]
    return found
