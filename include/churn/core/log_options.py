"""What an operator may set about the log of predictions."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from churn.core import variables

FEATURES: Final = "CHURN_LOG_FEATURES"
RETENTION: Final = "CHURN_LOG_RETENTION_MONTHS"
LIMIT: Final = "CHURN_SPOOL_LIMIT_MB"
WHEN_FULL: Final = "CHURN_SPOOL_FULL"


class Switch(StrEnum):
    """Whether something is done."""

    ON = "on"
    OFF = "off"


class WhenFull(StrEnum):
    """What becomes of a prediction that cannot be recorded."""

    REFUSE = "refuse"
    ANSWER = "answer"


@dataclass(frozen=True, kw_only=True)
class LogOptions:
    """How answered predictions are kept.

    ``features`` keeps what was known of the customer with each; ``retention_months`` counts whole
    months before the current one (None keeps all); ``spool_limit`` is in bytes for one folder,
    whatever the number of workers.
    """

    features: bool = True
    retention_months: int | None = None
    spool_limit: int = 1_024_000_000
    when_full: WhenFull = WhenFull.REFUSE

    @classmethod
    def from_values(cls, values: Mapping[str, str]) -> "LogOptions":
        """Read the variables; what is not given keeps its default.

        Raises:
            ChurnError: naming the variable and what it may be.
        """
        given = variables.given(values)
        limit = variables.whole(given, LIMIT, 1, 1_000_000)
        return cls(
            features=variables.word(given, FEATURES, Switch.ON) is Switch.ON,
            retention_months=variables.whole(given, RETENTION, 1, 1_200),
            spool_limit=cls.spool_limit if limit is None else limit * 1_000_000,
            when_full=variables.word(given, WHEN_FULL, cls.when_full),
        )
