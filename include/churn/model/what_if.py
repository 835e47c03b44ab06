"""The probability of the same customer after a change that a company can offer.

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
    Customer,
)
from churn.customer.field import NO, YES, Value
from churn.customer.parsing import parse_customer

TERMS = (CONTRACT, PAYMENT_METHOD, PAPERLESS_BILLING)
"""Fields of which every other value can be offered."""

SERVICES = (*ADD_ONS, MULTIPLE_LINES)
"""Fields that can be offered to customers who have "No". Those without internet, or without a
phone, have "No internet service" or "No phone service" instead, and get no such offer."""


class Offer(NamedTuple):
    """Another value of one field."""

    field: str
    value: Value


Scorer = Callable[[Customer, Sequence[Offer]], Sequence[float]]
"""Returns the probability of a customer, and then that with each offer alone."""


@dataclass(frozen=True)
class Change:
    """A field's other value, the probability with it, and by how much that differs."""

    field: str
    value: Value
    probability: float
    difference: float


def what_if(customer: Customer, probabilities: Scorer) -> tuple[Change, ...]:
    """Return every change that can be offered, the one with the lowest probability first.

    A change of something unknown is not one, so it is left out: ``ask_next`` is for that.
    Everything else is left as it is, the charges included.
    """
    offers = list(_offers(customer))
    now, *after = probabilities(customer, offers)
    changes = [
        Change(offer.field, offer.value, probability, probability - now)
        for offer, probability in zip(offers, after, strict=True)
    ]
    return tuple(sorted(changes, key=lambda change: change.probability))


def with_offers(customer: Customer, offers: Sequence[Offer]) -> list[Customer]:
    """Return the customer, and then the customer with each offer alone."""
    return [customer, *(parse_customer({**customer, name: value}) for name, value in offers)]


def _offers(customer: Customer) -> Iterator[Offer]:
    for field in TERMS:
        if field.name in customer:
            others = (value for value in field.values if value != customer[field.name])
            yield from (Offer(field.name, value) for value in others)
    yield from (Offer(field.name, YES) for field in SERVICES if customer.get(field.name) == NO)
