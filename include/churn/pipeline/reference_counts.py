"""Counts the customers that a version was trained on, for its ``reference.json``."""

from typing import Final

import numpy as np

from churn.customer.description import FEATURES
from churn.monitoring.reference import Reference, TrainingCustomers, count, number_edges
from churn.training.disclosure import coarse, crowded_range
from churn.training.fitted import Trained

_LEAST: Final = 1e-6


def reference_of(trained: Trained) -> Reference:
    """Return the counts of the customers that were measured on, with their out-of-fold scores.

    Edges are rounded, and the outermost are those of ten customers: none points to a single one.
    """
    rows = trained.report.rows
    columns = {field.name: np.asarray(rows.frame[field.name]) for field in FEATURES}
    edges = {}
    for field in FEATURES:
        if field.is_number:
            amounts = columns[field.name].astype(float)
            edges[field.name] = number_edges(coarse(amounts), *crowded_range(amounts))
    p = trained.report.published.repeat(0)
    return count(
        TrainingCustomers(
            columns={name: column.tolist() for name, column in columns.items()},
            p=np.clip(p, _LEAST, 1 - _LEAST),
            y=rows.y,
            weights=rows.weights,
            scorecard=trained.scorecard,
            edges=edges,
        )
    )
