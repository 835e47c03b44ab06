"""What an operator may set about messages on alarms, and about training that alarms request."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from churn.core import variables

URLS: Final = "CHURN_ALERT_URLS"
ESCALATE_URLS: Final = "CHURN_ALERT_ESCALATE_URLS"
ESCALATE_HOURS: Final = "CHURN_ALERT_ESCALATE_HOURS"
LINK: Final = "CHURN_ALERT_LINK"
COOLDOWN: Final = "CHURN_RETRAIN_COOLDOWN_DAYS"
PER_WEEK: Final = "CHURN_RETRAIN_PER_WEEK"
_BETWEEN: Final = re.compile(r"[\s,]+(?=[A-Za-z][\w+.-]*://)|\s+")
"""A comma separates addresses only where an address follows: it may be part of one."""


@dataclass(frozen=True, kw_only=True)
class AlertOptions:
    """Where messages go. Addresses contain secrets, so they are left out of ``repr``.

    An incident that is not acknowledged within ``escalate_hours`` is reported again, to
    ``escalate_urls`` or, where there are none, to ``urls``.
    """

    urls: Sequence[str] = field(default=(), repr=False)
    escalate_urls: Sequence[str] = field(default=(), repr=False)
    escalate_hours: float = 24.0
    link: str = ""

    @classmethod
    def from_values(cls, values: Mapping[str, str]) -> "AlertOptions":
        """Read the variables; what is not given keeps its default.

        Raises:
            ChurnError: naming the variable and what it may be.
        """
        given = variables.given(values)
        hours = variables.number(given, ESCALATE_HOURS, 0, 24 * 366)
        return cls(
            urls=_addresses(given.get(URLS, "")),
            escalate_urls=_addresses(given.get(ESCALATE_URLS, "")),
            escalate_hours=cls.escalate_hours if hours is None else hours,
            link=given.get(LINK, cls.link),
        )


@dataclass(frozen=True, kw_only=True)
class RetrainOptions:
    """How often alarms may start a training."""

    cooldown_days: float = 3.0
    per_week: int = 2

    @classmethod
    def from_values(cls, values: Mapping[str, str]) -> "RetrainOptions":
        """Read the variables; what is not given keeps its default.

        Raises:
            ChurnError: naming the variable and what it may be.
        """
        given = variables.given(values)
        days = variables.number(given, COOLDOWN, 0, 366)
        most = variables.whole(given, PER_WEEK, 0, 100)
        return cls(
            cooldown_days=cls.cooldown_days if days is None else days,
            per_week=cls.per_week if most is None else most,
        )


def _addresses(text: str) -> tuple[str, ...]:
    parts = (part.strip(",") for part in _BETWEEN.split(text))
    return tuple(dict.fromkeys(part for part in parts if part))
