"""Explains a score: exact contributions to the log-odds, relative to the average customer."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from churn.customer import description
from churn.customer.description import (
    ADD_ONS,
    INTERNET_SERVICE,
    MULTIPLE_LINES,
    PHONE_SERVICE,
    Customer,
)
from churn.customer.field import NO
from churn.model.score import Score

INTERNET_ADD_ONS = "internet_add_ons"
PHONE = "phone"

_GROUP: Mapping[str, str] = {
    **{field.name: INTERNET_ADD_ONS for field in ADD_ONS},
    PHONE_SERVICE.name: PHONE,
    MULTIPLE_LINES.name: PHONE,
}
_GROUP_WITHOUT_INTERNET = {**_GROUP, **{field.name: INTERNET_SERVICE.name for field in ADD_ONS}}


@dataclass(frozen=True, slots=True)
class Reason:
    """What one field, or a group of tied fields, adds to the log-odds of churning."""

    field: str
    log_odds: float


@dataclass(frozen=True)
class Explanation:
    """A probability's log-odds in parts: ``base + reasons + other + uncertainty = log_odds``.

    ``base`` is the average customer's. ``other`` is what is not shown: the weaker reasons, and
    protected attributes. ``uncertainty`` is the pull of unknown fields towards 0, that is 50 %.
    """

    base: float
    reasons: tuple[Reason, ...]
    other: float
    uncertainty: float
    log_odds: float


def explain(
    customer: Customer, score: Score, *, most: int | None = None, protected: bool = False
) -> Explanation:
    """Return the strongest reasons first; protected attributes only if requested."""
    grouped = _grouped(customer, score)
    visible = [(f, x) for f, x in grouped.items() if x and (protected or f not in _PROTECTED)]
    visible.sort(key=_strength)
    shown = [Reason(field, log_odds) for field, log_odds in visible[:most]]
    rest = [log_odds for _, log_odds in visible[len(shown) :]]
    withheld = [] if protected else [grouped.get(field, 0.0) for field in _PROTECTED]
    log_odds = score.shrunk_log_odds
    return Explanation(
        base=score.base,
        reasons=tuple(shown),
        other=math.fsum(rest + withheld),
        uncertainty=log_odds - score.log_odds,
        log_odds=log_odds,
    )


_PROTECTED = frozenset(field.name for field in description.FEATURES if field.protected)


def _strength(named: tuple[str, float]) -> tuple[float, str]:
    field, log_odds = named
    return -abs(log_odds), field


def _grouped(customer: Customer, score: Score) -> dict[str, float]:
    """Return the log-odds of every field or group.

    Without internet the add-ons have no effect of their own, so they are counted with it.
    """
    no_internet = customer.get(INTERNET_SERVICE.name) == NO
    groups = _GROUP_WITHOUT_INTERNET if no_internet else _GROUP
    sums: dict[str, float] = {}
    for name, log_odds in score.contributions.items():
        group = groups.get(name, name)
        sums[group] = sums.get(group, 0.0) + log_odds
    return sums
