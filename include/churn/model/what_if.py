"""What the model says of the same customer after a change that a company can offer.

These are associations: what customers who have it are like, not what would happen to this one.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from churn.customer import (
    ADD_ONS,
    CONTRACT,
    MULTIPLE_LINES,
    PAPERLESS_BILLING,
    PAYMENT_METHOD,
    Known,
)
from churn.field import NO, YES, Field, Value
from churn.implications import completed

TERMS = (CONTRACT, PAYMENT_METHOD, PAPERLESS_BILLING)
"""Fields of which every other value can be offered."""

SERVICES = (*ADD_ONS, MULTIPLE_LINES)
"""Fields that can be offered to those who answered No. "No" says that the service they need is
there; who is without internet, or without a phone, has "No internet service" and is passed over."""

Scorer = Callable[[Sequence[Known]], NDArray[np.float64]]
"""Returns the probability of each customer, shape (customers,)."""


@dataclass(frozen=True)
class Change:
    """A field's other value, the probability with it, and by how much that differs."""

    field: str
    value: Value
    probability: float
    difference: float


def what_if(known: Known, probabilities: Scorer) -> tuple[Change, ...]:
    """Return every change that can be offered, the one with the lowest probability first.

    A change of something unknown is not one, so it is left out: ``ask_next`` is for that.
    Everything else is left as it is, the charges included.
    """
    whole = completed(known)
    offers = list(_offers(whole))
    rows = [whole, *({**whole, field.name: value} for field, value in offers)]
    now, *after = probabilities(rows).tolist()
    changes = [
        Change(field.name, value, probability, probability - now)
        for (field, value), probability in zip(offers, after, strict=True)
    ]
    return tuple(sorted(changes, key=lambda change: change.probability))


def _offers(whole: Known) -> Iterator[tuple[Field, Value]]:
    for field in TERMS:
        if field.name in whole:
            yield from ((field, value) for value in field.values if value != whole[field.name])
    yield from ((field, YES) for field in SERVICES if whole.get(field.name) == NO)
