"""What the model says of the same customer after a change that a company can offer.

These are associations: what customers who have it are like, not what would happen to this one.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from churn.customer.description import (
    ADD_ONS,
    CONTRACT,
    MULTIPLE_LINES,
    PAPERLESS_BILLING,
    PAYMENT_METHOD,
    Known,
)
from churn.customer.field import NO, YES, Value
from churn.customer.implications import completed

TERMS = (CONTRACT, PAYMENT_METHOD, PAPERLESS_BILLING)
"""Fields of which every other value can be offered."""

SERVICES = (*ADD_ONS, MULTIPLE_LINES)
"""Fields that can be offered to those who answered No. "No" says that the service they need is
there; who is without internet, or without a phone, has "No internet service" and is passed over."""


class Offer(NamedTuple):
    """Another value of one field."""

    field: str
    value: Value


Scorer = Callable[[Known, Sequence[Offer]], Sequence[float]]
"""Returns the probability of a completed customer, and then that with each offer alone."""


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
    now, *after = probabilities(whole, offers)
    changes = [
        Change(offer.field, offer.value, probability, probability - now)
        for offer, probability in zip(offers, after, strict=True)
    ]
    return tuple(sorted(changes, key=lambda change: change.probability))


def with_offers(whole: Known, offers: Sequence[Offer]) -> list[Known]:
    """Return the customer, and then the customer with each offer alone."""
    return [whole, *({**whole, offer.field: offer.value} for offer in offers)]


def _offers(whole: Known) -> Iterator[Offer]:
    for field in TERMS:
        if field.name in whole:
            others = (value for value in field.values if value != whole[field.name])
            yield from (Offer(field.name, value) for value in others)
    yield from (Offer(field.name, YES) for field in SERVICES if whole.get(field.name) == NO)
