"""The locked hold-out: the same customers in every run, chosen by a hash of their id.

MD5 because PostgreSQL computes the same: ``('x' || left(md5(customer_id), 8))::bit(32)::bigint``.
"""

import hashlib
from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

HELD_OUT_SHARE: Final = 0.2
_DIGITS = 8


def position(customer_id: str) -> float:
    """Return where a customer lies in [0, 1): uniform over customers, fixed for each."""
    digest = hashlib.md5(customer_id.encode(), usedforsecurity=False).hexdigest()
    return float(int(digest[:_DIGITS], 16) / 16**_DIGITS)


def is_held_out(customer_id: str) -> bool:
    """Whether no model may learn from this customer."""
    return position(customer_id) < HELD_OUT_SHARE


def positions(customer_ids: Iterable[str]) -> NDArray[np.float64]:
    """Return the position of each customer, shape (customers,)."""
    return np.fromiter(map(position, customer_ids), dtype=float)
