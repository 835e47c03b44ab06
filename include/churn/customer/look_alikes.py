"""Customers who look alike stand on one side of every split.

Two customers look alike who agree in every field but the amounts and the outcome. Amounts hide
copies: a model that learned from one customer remembers the other. All look-alikes stand where
one of them does, their leader: the one whose id has the hash with the lowest last bits. The hash
depends on nothing but the id, so a customer without look-alikes stands in the same place in every
run and at every load.
"""

import hashlib
from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from churn.customer.description import CHURN
from churn.customer.profile import DIGITS

BITS: Final = 60
"""Of a hash: fifteen digits of MD5, as PostgreSQL computes it too; they fit its ``bigint``."""
_DIGITS: Final = BITS // 4
_LAST: Final = 18
"""So many of its bits choose the leader, whose last bits are therefore not even."""

Hashes = NDArray[np.int64]


def hashes(customer_ids: Iterable[str]) -> Hashes:
    """Return the hash of each id, shape (customers,)."""
    return np.fromiter(map(_hash, customer_ids), dtype=np.int64)


def leaders(codes: NDArray[np.int64], ids: Hashes) -> Hashes:
    """Return the hash of each customer's leader, by the profile numbers and the ids' hashes."""
    outcome = DIGITS[CHURN.name]
    profiles = codes - codes // outcome.factor % outcome.base * outcome.factor
    found, places = np.unique(profiles, return_inverse=True)
    lowest = np.full(len(found), np.iinfo(np.int64).max)
    np.minimum.at(lowest, places, _turned(ids, _LAST))
    return _turned(lowest, BITS - _LAST)[places]


def part(hashed: Hashes, *, lowest: int, bits: int) -> NDArray[np.int64]:
    """Return some bits of each hash, none of which may choose the leader."""
    return hashed >> lowest & ((1 << bits) - 1)


def _hash(customer_id: str) -> int:
    digest = hashlib.md5(customer_id.encode(), usedforsecurity=False).hexdigest()
    return int(digest[:_DIGITS], 16)


def _turned(hashed: Hashes, last: int) -> Hashes:
    """Return the hashes with so many last bits put before the others."""
    return (hashed & (1 << last) - 1) << BITS - last | hashed >> last
