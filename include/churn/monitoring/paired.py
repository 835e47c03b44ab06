"""Compares two versions on the same predictions, once outcomes are known.

The log-loss of one minus that of the other is tested every day by ``sequential``: a version that is
not worse is called worse with a probability of at most 5 % a year.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from churn.model.bootstrap import Figure
from churn.model.metrics import losses
from churn.model.ranking import Floats
from churn.monitoring import sequential
from churn.monitoring.performance import mean_figure
from churn.monitoring.sequential import Day

_ALPHA = 0.05
_MOST = 1.0
"""Differences of one customer's log-loss are limited to this: no single one decides."""


@dataclass(frozen=True)
class Paired:
    """The log-loss of ``version`` minus that of ``other`` on the same labelled predictions.

    ``worse_since`` is the day with whose predictions the version was shown to be worse, if it was.
    """

    version: str
    other: str
    predictions: int
    difference: Figure
    worse_since: date | None

    def __str__(self) -> str:
        one = self.difference
        return (
            f"on {self.predictions:,} predictions with outcomes the log-loss of {self.version} is "
            f"{one.value:+.4f} ({one.low:+.4f} to {one.high:+.4f}) more than that of {self.other}"
        )


@dataclass(frozen=True)
class Scored:
    """The same predictions by two versions, each of shape (predictions,), in order of ``day``."""

    day: NDArray[np.datetime64]
    label: NDArray[np.int64]
    p: Floats
    other_p: Floats


def compare(scored: Scored, version: str, other: str) -> Paired | None:
    """Compare two versions; None without predictions."""
    if not len(scored.label):
        return None
    difference = losses(scored.label, scored.p) - losses(scored.label, scored.other_p)
    limited = np.clip(difference, -_MOST, _MOST)
    parts = [np.flatnonzero(scored.day == day) for day in np.unique(scored.day)]
    days = [Day(limited[part], np.ones(len(part))) for part in parts]
    e_process = sequential.watch(days, tolerance=0.0, alpha=_ALPHA, two_sided=False)
    dates: Sequence[date] = [scored.day[part[0]].astype(object) for part in parts]
    shown = None if e_process.alarm_day is None else dates[e_process.alarm_day]
    return Paired(version, other, len(scored.label), mean_figure(difference), shown)
