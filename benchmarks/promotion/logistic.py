"""The recipe's logistic regression by Newton's method, as a simulation fits it 100,000 times."""

from typing import Final

import numpy as np

from benchmarks.promotion.company import Floats, Labels, sigmoid

_PENALTY: Final = 10.0
"""1 / C of the product's recipe; the intercept is free."""
_STEPS: Final = 25
_SMALL: Final = 1e-2
"""The last step; Newton's method squares the error, so what is left is about 1e-4 log-odds."""


class Logistic:
    """Fitted weights of design columns; ``start`` is a similar fit to begin from."""

    slopes: Floats
    intercept: float

    def __init__(self, design: Floats, y: Labels, start: "Logistic | None" = None) -> None:
        mean, spread = design.mean(0), design.std(0)
        scale = np.where(spread > 0, spread, 1.0)
        z = np.empty((len(y), len(scale) + 1))
        z[:, 0], z[:, 1:] = 1.0, (design - mean) / scale
        weights = np.zeros(z.shape[1])
        if start:
            weights = np.append(start.intercept + mean @ start.slopes, start.slopes * scale)
        weights = _newton(z, y, weights)
        self.slopes = weights[1:] / scale
        self.intercept = weights[0] - mean @ self.slopes

    def predict_proba(self, design: Floats) -> Floats:
        """Return the probability of each outcome, shape (customers, 2)."""
        p = sigmoid(design @ self.slopes + self.intercept)
        return np.column_stack([1 - p, p])


def _newton(z: Floats, y: Labels, weights: Floats) -> Floats:
    penalty = np.append(0.0, np.full(z.shape[1] - 1, _PENALTY))
    for _ in range(_STEPS):
        p = sigmoid(z @ weights)
        slope = z.T @ (y - p) - penalty * weights
        step = np.linalg.solve((z.T * (p * (1 - p))) @ z + np.diag(penalty), slope)
        weights = weights + step
        if np.abs(step).max() < _SMALL:
            break
    return weights
