"""What follows from decisions: who is asked to stay, how many of them rightly, and what it pays."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from churn.model import metrics
from churn.model.bootstrap import Figure, interval
from churn.model.evaluation import Rows
from churn.model.policy import Policy
from churn.model.ranking import Floats, ratio


@dataclass(frozen=True)
class Consequences:
    """A policy and its figures on customers that it was not chosen on."""

    policy: Policy
    figures: Mapping[str, Figure]


def consequences(policy: Policy, rows: Rows, p: Floats) -> Consequences:
    """Return what a policy leads to on rows that are scored ``p``."""
    return Consequences(policy, decided(rows, policy.decisions(p, rows.monthly_charges)))


def decided(
    rows: Rows, said: NDArray[np.bool_], among: NDArray[np.bool_] | None = None
) -> dict[str, Figure]:
    """Return the figures of decisions ``said``, among some of the rows or all.

    Recall and false positive rate are what equal opportunity and equalised odds compare between
    groups (Hardt et al. 2016, Equality of Opportunity in Supervised Learning, section 2).
    """
    chosen = slice(None) if among is None else np.flatnonzero(among)
    weights, y, asked = rows.resampled[:, chosen], rows.y[chosen], said[chosen].astype(float)
    worth = asked * (y * rows.stakes.gain[chosen] - rows.stakes.cost)
    of = {
        "asked": (asked, np.ones(len(y))),
        "precision": (asked * y, asked),
        "recall": (asked * y, y.astype(float)),
        "false_positive_rate": (asked * (1 - y), 1.0 - y),
        "accuracy": ((asked == y).astype(float), np.ones(len(y))),
        "f1": (2 * asked * y, asked + y),
    }
    shares = {name: share(weights, over, under) for name, (over, under) in of.items()}
    return {**shares, "profit": mean(weights, worth)}


def share(weights: Floats, over: Floats, under: Floats) -> Figure:
    """Return a ratio of sums with its interval; not a number where there is nothing to share."""
    return interval(ratio(weights @ over, weights @ under), lowest=0.0, highest=1.0)


def mean(weights: Floats, values: Floats) -> Figure:
    """Return a mean with its interval."""
    return interval(metrics.mean(values, weights))
