"""What follows from decisions: who is contacted, how many of them would churn, and the profit."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from churn.model.policy import Policy
from churn.training import metrics
from churn.training.bootstrap import Figure, interval
from churn.training.evaluation import Rows
from churn.training.ranking import Floats, ratio


@dataclass(frozen=True)
class Consequences:
    """A policy and its figures on customers that it was not chosen on."""

    policy: Policy
    figures: Mapping[str, Figure]


def consequences(policy: Policy, rows: Rows, p: Floats) -> Consequences:
    """Return what a policy leads to on rows that are scored ``p``."""
    return Consequences(policy, decided(rows, policy.contacts(p, rows.monthly_charges)))


def decided(
    rows: Rows, chosen: NDArray[np.bool_], among: NDArray[np.bool_] | None = None
) -> dict[str, Figure]:
    """Return the figures of contacting the customers ``chosen``, among some of the rows or all.

    Recall and false positive rate are what equal opportunity and equalised odds compare between
    groups (Hardt et al. 2016, Equality of Opportunity in Supervised Learning, section 2).
    """
    some = np.arange(len(rows.y)) if among is None else np.flatnonzero(among)
    weights, y, contacted = rows.resampled[:, some], rows.y[some], chosen[some].astype(float)
    worth = contacted * rows.stakes.take(some).realised(y)
    of = {
        "contacted": (contacted, np.ones(len(y))),
        "precision": (contacted * y, contacted),
        "recall": (contacted * y, y.astype(float)),
        "false_positive_rate": (contacted * (1 - y), 1.0 - y),
        "accuracy": ((contacted == y).astype(float), np.ones(len(y))),
        "f1": (2 * contacted * y, contacted + y),
    }
    shares = {name: share(weights, over, under) for name, (over, under) in of.items()}
    return {**shares, "profit": mean(weights, worth)}


def share(weights: Floats, over: Floats, under: Floats) -> Figure:
    """Return a ratio of sums with its interval; not a number where there is nothing to share."""
    return interval(ratio(weights @ over, weights @ under), lowest=0.0, highest=1.0)


def mean(weights: Floats, values: Floats) -> Figure:
    """Return a mean with its interval."""
    return interval(metrics.mean(values, weights))
