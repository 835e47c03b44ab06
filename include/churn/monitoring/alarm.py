"""What a monitoring run may find wrong."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class AlarmKind(StrEnum):
    """What an alarm is about; ``docs/alarms.md`` states what to do for each."""

    DRIFT = "drift"
    """A field, or the score, is distributed unlike in training; the subject is its name."""
    SLOW_DRIFT = "slow drift"
    """Small changes have added up over weeks; the subject is ``score`` or ``calibration``."""
    QUALITY = "data quality"
    """Blanks, rejected rows, row counts or the age of the data."""
    PERFORMANCE = "performance"
    """The live log-loss is worse than the scores promised; the subject is the metric."""
    REGRESSION = "regression"
    """A version does worse than its predecessor on the same predictions."""


@dataclass(frozen=True)
class Alarm:
    """A condition that one monitoring run found.

    ``sentence`` states what changed, by how much, since when, and whether the model cares. The same
    ``kind`` and ``subject`` in the next run are the same incident.
    """

    kind: AlarmKind
    subject: str
    model_version: str
    sentence: str
    figures: Mapping[str, float] = field(default_factory=dict)
    asks_retrain: bool = False
