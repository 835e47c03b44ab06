"""What follows from a decision policy: who is contacted, how many would churn, the profit."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from churn.model import metrics
from churn.model.bootstrap import Figure, interval
from churn.model.policy import Policy
from churn.model.ranking import Floats, ratio
from churn.training.evaluation import Dataset


@dataclass(frozen=True)
class Consequences:
    """A policy and its figures on customers that it was not chosen on."""

    policy: Policy
    figures: Mapping[str, Figure]


def consequences(policy: Policy, rows: Dataset, p: Floats) -> Consequences:
    """Return what a policy leads to on rows that are scored ``p``."""
    return Consequences(policy, contact_figures(rows, policy.contacts(p, rows.monthly_charges)))


def contact_figures(
    dataset: Dataset, contacts: NDArray[np.bool_], among: NDArray[np.bool_] | None = None
) -> dict[str, Figure]:
    """Return the figures of contacting these customers, over the rows ``among`` or all of them.

    Recall and false positive rate are what equal opportunity and equalised odds compare between
    groups (Hardt et al. 2016, Equality of Opportunity in Supervised Learning, section 2).
    """
    rows = np.arange(len(dataset.y)) if among is None else np.flatnonzero(among)
    weights, y = dataset.resampled[:, rows], dataset.y[rows]
    contacted, all_rows = contacts[rows].astype(float), np.ones(len(rows))
    numerators_and_denominators = {
        "contacted": (contacted, all_rows),
        "precision": (contacted * y, contacted),
        "recall": (contacted * y, y.astype(float)),
        "false_positive_rate": (contacted * (1 - y), 1.0 - y),
        "accuracy": ((contacted == y).astype(float), all_rows),
        "f1": (2 * contacted * y, contacted + y),
    }
    figures = {name: share(weights, *pair) for name, pair in numerators_and_denominators.items()}
    worth = contacted * dataset.payoff.take(rows).realised(y)
    return {**figures, "profit": mean(weights, worth)}


def share(weights: Floats, numerators: Floats, denominators: Floats) -> Figure:
    """Return a ratio of weighted sums with its interval; NaN where the denominator is 0."""
    return interval(ratio(weights @ numerators, weights @ denominators), lowest=0.0, highest=1.0)


def mean(weights: Floats, values: Floats) -> Figure:
    """Return a mean with its interval."""
    return interval(metrics.mean(values, weights))
