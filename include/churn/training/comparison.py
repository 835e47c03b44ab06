"""Compares two models on the same customers: each metric of both, and its difference's interval.

Each customer's share in the difference is known, so its standard error needs no resampling. What
makes a customer hard for both models cancels out, as the difference is taken per customer.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

from churn.model import metrics, ranking
from churn.model.ranking import Floats, Labels


@dataclass(frozen=True)
class Comparison:
    """Two models' probabilities for the same customers.

    ``champion`` and ``challenger`` have the shape (customers,), or (repeats, customers) where they
    are out of fold of a repeated cross-validation, which has ``folds``; of models that were fitted
    on other customers, ``folds`` is 0. ``slices`` maps a name to the mask of its customers;
    ``weights`` is how many customers a row stands for, 1 each if left out. Customers who were
    chosen together, as look-alikes are, have the same number in ``groups``; left out, each was
    chosen alone.
    """

    y: Labels
    champion: Floats
    challenger: Floats
    slices: Mapping[str, NDArray[np.bool_]]
    weights: Floats | None = None
    folds: int = 0
    groups: NDArray[np.int64] | None = None

    @property
    def counts(self) -> Floats:
        """How many customers each row stands for."""
        return np.ones(len(self.y)) if self.weights is None else self.weights

    @property
    def churned(self) -> int:
        """How many customers churned."""
        return round(float(self.counts @ self.y))

    @property
    def retained(self) -> int:
        """How many customers did not."""
        return round(float(self.counts.sum())) - self.churned

    @property
    def share(self) -> float:
        """The share of the customers that churned."""
        return self.churned / (self.churned + self.retained)

    @property
    def repeats(self) -> int:
        """How often each customer was scored."""
        return len(np.atleast_2d(self.champion))

    @property
    def variance_factor(self) -> float:
        """How much larger the variance is than that of independent customers.

        The folds' models learn from the same customers. Nadeau & Bengio 2003 (Inference for the
        Generalization Error, section 3.2.1) take (1 / J + n_test / n_train) times the variance
        between the J folds instead of 1 / J. Of K folds and R repeats J is K R, the second term is
        1 / (K - 1), and the variance between folds is K times that of the mean over customers.
        """
        return 1 / self.repeats + self.folds / (self.folds - 1) if self.folds else 1.0

    def only(self, mask: NDArray[np.bool_]) -> "Comparison":
        """Return the comparison of some of the rows, without slices."""
        return Comparison(
            self.y[mask],
            self.champion[..., mask],
            self.challenger[..., mask],
            {},
            self.counts[mask],
            self.folds,
            None if self.groups is None else self.groups[mask],
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


@dataclass(frozen=True)
class _Estimate:
    """A metric, and how much each customer moves it (its influence), shape (customers,)."""

    value: float
    influence: Floats


def differences(compared: Comparison, *, level: float) -> Mapping[str, Difference]:
    """Return each metric of both models, and the interval of the difference at ``level``.

    Student's t with as many degrees of freedom as the rarer outcome has, less one, widens the
    intervals where few customers churned.
    """
    freedom = max(1, min(compared.churned, compared.retained) - 1)
    reach = student((1 + level) / 2, freedom) * math.sqrt(compared.variance_factor)
    return {name: _difference(metric, compared, reach) for name, metric in _METRICS.items()}


def student(share: float, freedom: int) -> float:
    """Return the quantile of Student's t (Abramowitz & Stegun 1964, 26.7.5), to .002 from 10 on."""
    z = NormalDist().inv_cdf(share)
    return (
        z
        + (z**3 + z) / (4 * freedom)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * freedom**3)
    )


_Estimator = Callable[[Labels, Floats, Floats], _Estimate]


def _difference(metric: _Estimator, compared: Comparison, reach: float) -> Difference:
    counts = compared.counts
    champion, challenger = (
        _mean([metric(compared.y, p, counts) for p in np.atleast_2d(scores)])
        for scores in (compared.champion, compared.challenger)
    )
    gap = challenger.influence - champion.influence
    error = math.sqrt(_squares(gap, compared)) / float(counts.sum())
    mean = challenger.value - champion.value
    return Difference(champion.value, challenger.value, mean - reach * error, mean + reach * error)


def _squares(gap: Floats, compared: Comparison) -> float:
    """Return the sum of squares, of groups that of their sums (Cochran 1977, section 9A.2)."""
    if compared.groups is None:
        return float(compared.counts @ gap**2)
    _, places = np.unique(compared.groups, return_inverse=True)
    return float((np.bincount(places, compared.counts * gap) ** 2).sum())


def _mean(estimates: Sequence[_Estimate]) -> _Estimate:
    return _Estimate(
        float(np.mean([one.value for one in estimates])),
        np.mean([one.influence for one in estimates], axis=0),
    )


def _log_loss(y: Labels, p: Floats, counts: Floats) -> _Estimate:
    losses = metrics.losses(y, p)
    mean = float(np.average(losses, weights=counts))
    return _Estimate(mean, losses - mean)


def _roc_auc(y: Labels, p: Floats, counts: Floats) -> _Estimate:
    """Return the ROC-AUC and its influences (DeLong et al. 1988, structural components)."""
    placed = ranking.placements(y, p, counts)
    base_rate = float(np.average(y, weights=counts))
    auc = float(np.average(placed, weights=counts * y))
    return _Estimate(auc, (placed - auc) / np.where(y == 1, base_rate, 1 - base_rate))


_METRICS: Final[Mapping[str, _Estimator]] = {"log_loss": _log_loss, "roc_auc": _roc_auc}
