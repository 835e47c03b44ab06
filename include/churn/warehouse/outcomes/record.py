"""Records outcomes in the warehouse, each once."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from churn.warehouse.connect import Connection, run
from churn.warehouse.outcomes.outcome import Outcome

_AT_ONCE: Final = 10_000


class Source(StrEnum):
    """By which way a statement came."""

    API = "api"
    FILE = "file"


@dataclass(frozen=True)
class Counts:
    """How many statements are new, were known already, or are of customers erased since."""

    recorded: int = 0
    known: int = 0
    erased: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.recorded + other.recorded, self.known + other.known, self.erased + other.erased
        )


@dataclass(frozen=True)
class Unknown:
    """Statements about predictions that are not in the log, and customers never predicted."""

    predictions: int
    customers: int


def record_outcomes(connection: Connection, outcomes: Sequence[Outcome], source: Source) -> Counts:
    """Add the statements that are not known yet, in the caller's transaction."""
    done = Counts()
    for start in range(0, len(outcomes), _AT_ONCE):
        part = outcomes[start : start + _AT_ONCE]
        values = {"statements": json.dumps(list(map(vars, part)), default=_plain)}
        row = run(connection, "insert_outcomes", {**values, "source": source.value}).fetchone()
        recorded, erased = (int(str(number)) for number in row or (0, 0))
        done += Counts(recorded, len(part) - recorded - erased, erased)
    return done


def count_unknown(connection: Connection) -> Unknown:
    """Count statements that label no prediction: the log lacks their prediction or customer."""
    row = run(connection, "count_unknown_outcomes", {}).fetchone() or (0, 0)
    return Unknown(*(int(str(number)) for number in row))


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
