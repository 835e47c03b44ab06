"""Says why: exact contributions to the log-odds, relative to the average customer."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from churn import customer
from churn.customer import ADD_ONS, INTERNET_SERVICE, MULTIPLE_LINES, PHONE_SERVICE, Known
from churn.field import NO
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
    """What one field, or a group of tied fields, adds to the log-odds of leaving."""

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
    known: Known, score: Score, *, most: int | None = None, protected: bool = False
) -> Explanation:
    """Return the strongest reasons first; protected attributes only if asked for."""
    grouped = _grouped(known, score)
    visible = [r for r in grouped if protected or r.field not in _PROTECTED]
    withheld = [] if protected else [r for r in grouped if r.field in _PROTECTED]
    shown = visible[:most]
    settled = score.settled_log_odds
    return Explanation(
        base=score.base,
        reasons=tuple(shown),
        other=math.fsum(reason.log_odds for reason in (*visible[len(shown) :], *withheld)),
        uncertainty=settled - score.log_odds,
        log_odds=settled,
    )


_PROTECTED = frozenset(field.name for field in customer.FEATURES if field.protected)


def _grouped(known: Known, score: Score) -> list[Reason]:
    """Return every reason that adds something, strongest first.

    Without internet the add-ons say nothing of their own, so they belong to it.
    """
    no_internet = known.get(INTERNET_SERVICE.name) == NO
    groups = _GROUP_WITHOUT_INTERNET if no_internet else _GROUP
    sums: dict[str, float] = {}
    for name, log_odds in score.contributions.items():
        group = groups.get(name, name)
        sums[group] = sums.get(group, 0.0) + log_odds
    found = [Reason(name, log_odds) for name, log_odds in sums.items() if log_odds]
    return sorted(found, key=lambda reason: (-abs(reason.log_odds), reason.field))
