"""What an operator may set about the log of predictions."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from churn.core.errors import ChurnError

FEATURES: Final = "CHURN_LOG_FEATURES"
RETENTION: Final = "CHURN_LOG_RETENTION_MONTHS"
LIMIT: Final = "CHURN_SPOOL_LIMIT_MB"
WHEN_FULL: Final = "CHURN_SPOOL_FULL"
_WORDS: Final = {"on": True, "off": False}


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
        given = {name: value.strip().lower() for name, value in values.items() if value.strip()}
        limit = _whole(given, LIMIT, 1, 1_000_000)
        return cls(
            features=_WORDS[_one_of(given, FEATURES, tuple(_WORDS))],
            retention_months=_whole(given, RETENTION, 1, 1_200),
            spool_limit=cls.spool_limit if limit is None else limit * 1_000_000,
            when_full=WhenFull(_one_of(given, WHEN_FULL, tuple(WhenFull))),
        )


def _one_of(given: Mapping[str, str], name: str, words: tuple[str, ...]) -> str:
    """Return one of the words, the first of which is the default."""
    word = given.get(name, words[0])
    if word not in words:
        raise ChurnError(f"{name}={word}: expected {' | '.join(words)}")
    return word


def _whole(given: Mapping[str, str], name: str, low: int, high: int) -> int | None:
    if name not in given:
        return None
    text = given[name]
    if not (text.isascii() and text.isdigit() and low <= int(text) <= high):
        raise ChurnError(f"{name}={text}: expected a whole number from {low:,} to {high:,}")
    return int(text)
