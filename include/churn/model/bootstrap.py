"""Bootstrap intervals: customers are drawn again with replacement, scores stay as they are."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from churn.model import metrics
from churn.model.metrics import Payoff
from churn.model.ranking import Floats, Labels
from churn.model.recipe import SEED, Recipe

_FEWEST_DRAWS: Final = 20
Z_95: Final = 1.959963984540054


@dataclass(frozen=True)
class Figure:
    """A number and its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class FoldScores:
    """Scores of some of the customers by one model that had not seen them."""

    rows: NDArray[np.intp]
    p: Floats


@dataclass(frozen=True)
class Measured:
    """Metrics over one or more parts: of each, the mean over the parts.

    ``draws`` has the figure first and its bootstrap replicates after it; ``by_part`` the figures of
    the single parts, such as the folds.
    """

    draws: Mapping[str, Floats]
    by_part: Mapping[str, Floats]

    def figure(self, name: str) -> Figure:
        """Return a metric with its interval."""
        metric = metrics.METRICS[name]
        return interval(self.draws[name], lowest=metric.lowest, highest=metric.highest)

    @property
    def figures(self) -> dict[str, Figure]:
        """Every metric with its interval."""
        return {name: self.figure(name) for name in self.draws}

    def minus(self, other: "Measured", name: str) -> Figure:
        """Return a metric's difference to another model's on the same customers and draws."""
        return interval(self.draws[name] - other.draws[name])


def resampled(weights: Floats, *, draws: int = Recipe.draws, seed: int = SEED) -> Floats:
    """Return the weights and, below them, draws of as many customers with replacement.

    A row that stands for several customers is drawn as those customers would be. Shape
    (1 + draws, rows).
    """
    count = round(weights.sum())
    random = np.random.default_rng(seed)
    drawn = random.multinomial(count, weights / weights.sum(), size=draws)
    return np.vstack([weights, drawn])


def interval(draws: Floats, *, lowest: float = -math.inf, highest: float = math.inf) -> Figure:
    """Return a figure and 1.96 bootstrap standard errors around it.

    Efron and Tibshirani 1993, An Introduction to the Bootstrap, ch. 6 and 13.3. Percentiles would
    be off-centre for the calibration error, which drawing again makes larger.
    """
    value, replicates = float(draws[0]), draws[1:]
    finite = replicates[np.isfinite(replicates)]
    if not np.isfinite(value) or len(finite) < _FEWEST_DRAWS:
        return Figure(value, float("nan"), float("nan"))
    reach = Z_95 * float(np.std(finite, ddof=1))
    return Figure(value, max(lowest, value - reach), min(highest, value + reach))


def measure(y: Labels, parts: Sequence[FoldScores], weights: Floats, payoff: Payoff) -> Measured:
    """Return every metric over the parts; ``weights`` as ``resampled`` gives them."""
    scores = [
        metrics.score(y[one.rows], one.p, weights[:, one.rows], payoff.take(one.rows))
        for one in parts
    ]
    return Measured(
        draws={name: np.mean([s[name] for s in scores], axis=0) for name in scores[0]},
        by_part={name: np.array([s[name][0] for s in scores]) for name in scores[0]},
    )


@dataclass(frozen=True)
class NoiseFloor:
    """The calibration error that perfectly calibrated scores show on as many customers."""

    mean: float
    highest: float
    """Exceeded by chance in 5 % of cases."""


def noise_floor(
    parts: Sequence[FoldScores], weights: Floats, *, draws: int = Recipe.draws, seed: int = SEED
) -> NoiseFloor:
    """Simulate outcomes from the scores themselves; ``weights`` of shape (customers,)."""
    random = np.random.default_rng(seed)
    uniform = random.random((draws, len(weights)))
    errors = [
        metrics.calibrated_error(_drawn(uniform, one, weights), one.p, weights[one.rows])
        for one in parts
    ]
    mean_error = np.mean(errors, axis=0)
    return NoiseFloor(float(mean_error.mean()), float(np.quantile(mean_error, 0.95)))


def _drawn(uniform: Floats, part: FoldScores, weights: Floats) -> Floats:
    return np.asarray((uniform[:, part.rows] < part.p) * weights[part.rows])
