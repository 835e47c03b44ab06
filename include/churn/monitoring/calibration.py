"""The intercept and slope that turn scores into the churn that was seen (Cox 1958)."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_STEPS: Final = 50
_CLOSE: Final = 1e-10
_CLIP: Final = 1e-6


@dataclass(frozen=True)
class Recalibration:
    """``log-odds of churn = intercept + slope * log-odds of the score``; 0 and 1 if calibrated.

    ``covariance``, shape (2, 2), is that of the two estimates: the inverse Fisher information.
    """

    intercept: float
    slope: float
    covariance: Floats

    @property
    def errors(self) -> tuple[float, float]:
        """The standard errors of intercept and slope."""
        intercept, slope = np.sqrt(np.diag(self.covariance))
        return float(intercept), float(slope)


def log_odds(p: Floats) -> Floats:
    """Return the log-odds of probabilities, which are kept a millionth away from 0 and 1."""
    clipped = np.clip(p, _CLIP, 1 - _CLIP)
    return np.asarray(np.log(clipped) - np.log1p(-clipped))


def recalibrate(p: Floats, churned: Floats, customers: Floats) -> Recalibration | None:
    """Fit by Newton's method; None where the churn seen does not determine both numbers.

    ``churned`` of ``customers`` had the score ``p``; each has the shape (scores,).

    Source: Cox 1958, Two Further Applications of a Model for Binary Regression; as logistic
    recalibration in Steyerberg 2019, Clinical Prediction Models, 15.3.
    """
    x = np.stack([np.ones_like(p), log_odds(p)], axis=1)
    found = np.array([0.0, 1.0])
    for _ in range(_STEPS):
        q = 1 / (1 + np.exp(-np.clip(x @ found, -40, 40)))
        information = x.T @ (x * (customers * q * (1 - q))[:, None])
        if np.linalg.cond(information) > 1 / _CLOSE:
            return None
        step = np.linalg.solve(information, x.T @ (churned - customers * q))
        found = found + np.clip(step, -1, 1)
        if np.abs(step).max() < _CLOSE:
            return Recalibration(float(found[0]), float(found[1]), np.linalg.inv(information))
    return None
