"""The multivariate normal: conditioning on known columns, and the variance that others remove."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Extended = NDArray[np.floating[Any]]
"""Numbers in extended precision."""

_NO_VARIANCE = 1e-9


@dataclass(frozen=True)
class Conditional:
    """The linear predictor ``w'z`` given the known columns z_K.

    ``effective`` are the weights of z_K, shape (known,), and ``inverse`` is that of their second
    moments; ``covariance`` is that of the missing columns given z_K, shape (missing, missing), and
    ``gain`` theirs with the linear predictor.
    """

    effective: Extended
    inverse: Extended
    variance: float
    covariance: Extended
    gain: Extended

    def variance_removed(self, others: Mask) -> float:
        """Return by how much knowing some of the missing columns too would lower the variance.

        ``g_a' C_aa^-1 g_a``: the explained variance of a regression on them, the criterion of
        forward selection (Das and Kempe, Algorithms for subset selection in linear regression,
        STOC 2008, section 2). It does not depend on the answer. Columns that the known ones
        determine are left out of the inverse.
        """
        covariance = self.covariance[np.ix_(others, others)].astype(np.float64)
        values, vectors = np.linalg.eigh(covariance)
        along = self.gain[others].astype(np.float64) @ vectors
        open_ = values > _NO_VARIANCE
        return float(np.sum(along[open_] ** 2 / values[open_]))


def _pseudo_inverse(matrix: Floats) -> Extended:
    """Return the pseudo-inverse: columns that never vary in training leave rows of zeros.

    Kernels of linear algebra differ by the last bits of a float, which rounding cannot hide where a
    number lies between two roundings. One step of Newton's iteration in extended precision, which
    no such kernel computes, squares that error (Ben-Israel and Cohen 1966, On Iterative Computation
    of Generalized Inverses).
    """
    first = np.linalg.pinv(matrix, rcond=1e-10, hermitian=True).astype(np.longdouble)
    return np.asarray(2 * first - first @ matrix.astype(np.longdouble) @ first)


def condition(moments: Floats, weights: Floats, is_known: Mask) -> Conditional:
    """Return the linear predictor of standardised columns given the known ones.

    With z jointly normal, ``E[w'z | z_K] = (w_K + A' w_M) z_K`` where ``A = S_MK S_KK^-1``, and
    the covariance of the missing columns is ``S_MM - A S_KM`` (Bishop, Pattern Recognition and
    Machine Learning, 2.3.1, equations 2.81 and 2.82).
    """
    w_known, w_missing = weights[is_known], weights[~is_known]
    s_known_missing = moments[np.ix_(is_known, ~is_known)]
    s_missing = moments[np.ix_(~is_known, ~is_known)]
    inverse = _pseudo_inverse(moments[np.ix_(is_known, is_known)])
    transfer = inverse @ s_known_missing
    covariance = s_missing - s_known_missing.T @ transfer
    gain = covariance @ w_missing
    variance = max(0.0, float(w_missing @ gain))
    return Conditional(w_known + transfer @ w_missing, inverse, variance, covariance, gain)
