"""Customers who have made the same choices: they stand on one side of every split.

Two such customers differ in numbers alone, and numbers hide copies: whoever learns from one
remembers the other. Each value of each choice has a random number, a hash is the exclusive or of
a customer's (tabulation hashing: Zobrist 1970; Patrascu and Thorup 2012), and PostgreSQL computes
the same. It depends on nothing else, so it is the same in every run and at every load.
"""

import hashlib
from typing import Final

import numpy as np
from numpy.typing import NDArray

from churn.customer import CHURN
from churn.field import Field, Kind
from churn.profile import DIGITS

BITS: Final = 60
"""Of a hash; it fits PostgreSQL's ``bigint``, and is never negative."""

Hashes = NDArray[np.int64]


def _random_numbers(field: Field) -> tuple[int, ...]:
    texts = (f"{field.name}={field.label(value)}" for value in field.values)
    digests = (hashlib.md5(text.encode(), usedforsecurity=False).hexdigest() for text in texts)
    return tuple(int(digest[: BITS // 4], 16) for digest in digests)


TABLES: Final = {
    name: _random_numbers(digit.field)
    for name, digit in DIGITS.items()
    if digit.field is not CHURN and digit.field.kind is not Kind.COUNT
}
"""The random number of each value, by the names of the fields."""


def hashes(codes: NDArray[np.int64]) -> Hashes:
    """Return the hash of the choices of each profile number, of the same shape."""
    found = np.zeros(codes.shape, dtype=np.int64)
    for name, numbers in TABLES.items():
        digit = DIGITS[name]
        found ^= np.array(numbers, dtype=np.int64)[codes // digit.factor % digit.base]
    return found
