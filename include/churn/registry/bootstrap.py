"""Compares two models on the same customers by the paired bootstrap.

Customers are drawn with replacement and both models are measured on each draw, so what makes a
customer hard for both cancels out (Efron & Tibshirani, An Introduction to the Bootstrap, 1993,
chapters 13.3 and 15.6: percentile intervals of a paired difference).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from churn.model import metrics, ranking
from churn.model.ranking import Floats, Outcomes

_CELLS_AT_ONCE = 4_000_000


@dataclass(frozen=True)
class Comparison:
    """What two models said of the same customers; every array has shape (customers,).

    ``slices`` maps a name to the mask of its customers; ``weights`` is how many customers a row
    stands for, 1 each if left out.
    """

    y: Outcomes
    champion: Floats
    challenger: Floats
    slices: Mapping[str, NDArray[np.bool_]]
    weights: Floats | None = None

    @property
    def counts(self) -> Floats:
        """How many customers each row stands for."""
        return np.ones(len(self.y)) if self.weights is None else self.weights

    def only(self, mask: NDArray[np.bool_]) -> "Comparison":
        """Return the comparison of some of the rows, without slices."""
        return Comparison(
            self.y[mask], self.champion[mask], self.challenger[mask], {}, self.counts[mask]
        )


@dataclass(frozen=True)
class Difference:
    """A metric of both models, and challenger minus champion with its interval."""

    champion: float
    challenger: float
    low: float
    high: float

    @property
    def mean(self) -> float:
        """Challenger minus champion."""
        return self.challenger - self.champion


def _roc_auc(y: Outcomes, p: Floats, counts: Floats) -> Floats:
    return ranking.roc_auc(ranking.Ranked(y, p, counts))


_METRICS = {"log_loss": metrics.log_loss, "roc_auc": _roc_auc}


def differences(
    compared: Comparison, *, replicates: int, level: float, seed: int
) -> Mapping[str, Difference]:
    """Return each metric of both models, and the interval of the difference at ``level``."""
    draws = {name: np.empty(replicates) for name in _METRICS}
    done = 0
    for counts in _draws(compared.counts, replicates, seed):
        for name, metric in _METRICS.items():
            champion = metric(compared.y, compared.champion, counts)
            challenger = metric(compared.y, compared.challenger, counts)
            draws[name][done : done + len(counts)] = challenger - champion
        done += len(counts)
    return {name: _difference(name, compared, draws[name], level) for name in _METRICS}


def _difference(name: str, compared: Comparison, drawn: Floats, level: float) -> Difference:
    metric, counts = _METRICS[name], compared.counts[np.newaxis]
    low, high = np.nanquantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    champion = metric(compared.y, compared.champion, counts)[0]
    challenger = metric(compared.y, compared.challenger, counts)[0]
    return Difference(float(champion), float(challenger), float(low), float(high))


def _draws(weights: Floats, replicates: int, seed: int) -> Iterator[Floats]:
    """Yield how often each row is drawn, shape (some draws, rows), until all draws are done."""
    rng = np.random.default_rng(seed)
    at_once = max(1, _CELLS_AT_ONCE // len(weights))
    for first in range(0, replicates, at_once):
        yield _draw(rng, weights, min(at_once, replicates - first))


def _draw(rng: np.random.Generator, weights: Floats, draws: int) -> Floats:
    total = int(weights.sum())
    if total > len(weights):
        return rng.multinomial(total, weights / total, size=draws).astype(float)
    picked = rng.integers(total, size=(draws, total)) + np.arange(draws)[:, np.newaxis] * total
    counts = np.bincount(picked.ravel(), minlength=draws * total)
    return counts.reshape(draws, total).astype(float)
