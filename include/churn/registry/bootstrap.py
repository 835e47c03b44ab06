"""Compares two models on the same customers by the paired bootstrap.

Customers are drawn with replacement and both models are measured on each draw, so what makes a
customer hard for both cancels out (Efron & Tibshirani, An Introduction to the Bootstrap, 1993,
chapters 13.3 and 15.6: percentile intervals of a paired difference).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_CELLS_AT_ONCE = 4_000_000
_TINY = np.finfo(float).eps  # what scikit-learn keeps away from 0 and 1


@dataclass(frozen=True)
class Comparison:
    """What two models said of the same customers; every array has shape (customers,).

    ``slices`` maps a name to the mask of its customers; ``weights`` is how many customers a row
    stands for, 1 each if left out.
    """

    y: NDArray[np.int64]
    champion: Floats
    challenger: Floats
    slices: Mapping[str, NDArray[np.bool_]]
    weights: NDArray[np.int64] | None = None

    @property
    def counts(self) -> NDArray[np.int64]:
        """How many customers each row stands for."""
        return np.ones(len(self.y), dtype=np.int64) if self.weights is None else self.weights

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


def log_loss(y: NDArray[np.int64], p: Floats, counts: NDArray[np.int64]) -> Floats:
    """Return the mean negative log-likelihood of each row of ``counts`` (draws, customers)."""
    safe = np.clip(p, _TINY, 1 - _TINY)
    losses = -np.where(y == 1, np.log(safe), np.log1p(-safe))
    return np.asarray(counts @ losses / counts.sum(axis=1), dtype=float)


def roc_auc(y: NDArray[np.int64], p: Floats, counts: NDArray[np.int64]) -> Floats:
    """Return the area under the ROC curve of each row of ``counts`` (draws, customers).

    It is the share of pairs ranked rightly, ties counting half: the Mann-Whitney statistic
    (Hanley & McNeil, Radiology 143, 1982). NaN where a draw has one class only.
    """
    order = np.argsort(p, kind="stable")
    starts = np.flatnonzero(np.diff(p[order], prepend=-np.inf))
    drawn = counts[:, order].astype(float)
    left = np.add.reduceat(drawn * y[order], starts, axis=1)
    stayed = np.add.reduceat(drawn * (1 - y[order]), starts, axis=1)
    below = np.cumsum(stayed, axis=1) - stayed / 2
    with np.errstate(invalid="ignore"):
        return np.asarray(
            (left * below).sum(axis=1) / (left.sum(axis=1) * stayed.sum(axis=1)), dtype=float
        )


METRICS = {"log_loss": log_loss, "roc_auc": roc_auc}


def differences(
    compared: Comparison, *, replicates: int, level: float, seed: int
) -> Mapping[str, Difference]:
    """Return each metric of both models, and the interval of the difference at ``level``."""
    draws = {name: np.empty(replicates) for name in METRICS}
    done = 0
    for counts in _draws(compared.counts, replicates, seed):
        for name, metric in METRICS.items():
            champion = metric(compared.y, compared.champion, counts)
            challenger = metric(compared.y, compared.challenger, counts)
            draws[name][done : done + len(counts)] = challenger - champion
        done += len(counts)
    return {name: _difference(name, compared, draws[name], level) for name in METRICS}


def _difference(name: str, compared: Comparison, drawn: Floats, level: float) -> Difference:
    metric, counts = METRICS[name], compared.counts[np.newaxis]
    low, high = np.nanquantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    champion = metric(compared.y, compared.champion, counts)[0]
    challenger = metric(compared.y, compared.challenger, counts)[0]
    return Difference(float(champion), float(challenger), float(low), float(high))


def _draws(weights: NDArray[np.int64], replicates: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """Yield how often each row is drawn, shape (some draws, rows), until all draws are done."""
    rng = np.random.default_rng(seed)
    at_once = max(1, _CELLS_AT_ONCE // len(weights))
    for first in range(0, replicates, at_once):
        yield _draw(rng, weights, min(at_once, replicates - first))


def _draw(rng: np.random.Generator, weights: NDArray[np.int64], draws: int) -> NDArray[np.int64]:
    total = int(weights.sum())
    if total > len(weights):
        return rng.multinomial(total, weights / total, size=draws)
    picked = rng.integers(total, size=(draws, total)) + np.arange(draws)[:, np.newaxis] * total
    return np.bincount(picked.ravel(), minlength=draws * total).reshape(draws, total)
