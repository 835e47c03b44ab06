"""The locked hold-out: the same choices in every run, so that look-alikes are on one side.

A customer who makes another choice may change sides; nobody like that was ever learned from.
"""

import hashlib
from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from churn.look_alikes import BITS, hashes

HELD_OUT_SHARE: Final = 0.2
_DIGITS: Final = slice(8, 16)


def is_held_out(codes: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether no model may learn from the customers of each profile number."""
    return hashes(codes) < limit(HELD_OUT_SHARE)


def limit(share: float) -> int:
    """Return what the hashes of a share of all choices lie below."""
    return int(share * 2**BITS)


def sample_positions(customer_ids: Iterable[str]) -> NDArray[np.float64]:
    """Return where each customer lies in [0, 1) by a hash of the id, to take a part of them.

    PostgreSQL computes the same.
    """
    return np.fromiter(map(_fraction, customer_ids), dtype=float)


def _fraction(customer_id: str) -> float:
    digest = hashlib.md5(customer_id.encode(), usedforsecurity=False).hexdigest()
    return float(int(digest[_DIGITS], 16) / 2**32)
