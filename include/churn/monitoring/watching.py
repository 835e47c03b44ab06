"""Watches a version from its first day: its scores, and its promises once outcomes are known.

Three means are tested every day by ``sequential``: that of the scores against training's, that of
``y - p``, and that of what the log-loss is more than the scores promise. Together their false
alarms are at most 5 % a year for a version without drift.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from churn.monitoring import sequential
from churn.monitoring.alarm import Alarm, AlarmKind
from churn.monitoring.calibration import log_odds
from churn.monitoring.performance import Flags, Predictions
from churn.monitoring.reference import Integers, ScoreReference, bin_centres
from churn.monitoring.sequential import Day, EProcess

YEARLY_ALPHA: Final = 0.05
LEAST_LABELLED: Final = 0.9
"""Promises are tested by the days of whose predictions so large a share has an outcome:
churned customers are often known before retained ones, so other days are a biased sample."""
_MOST_LOG_ODDS: Final = 4.0
_STANDARD_ERRORS: Final = 3.0
_RECENT: Final = 28


class Watched(StrEnum):
    """What is tested every day."""

    SCORE = "score"
    CALIBRATION = "calibration"
    LOG_LOSS = "log_loss"


@dataclass(frozen=True)
class Course:
    """What was tested over ``days``, and what came of it.

    ``difference`` is the mean of the last 28 days: of the score minus training's, of the churn rate
    minus the promised one, or of the log-loss minus the promised one.
    """

    watched: Watched
    days: Sequence[date]
    e_process: EProcess
    difference: float

    @property
    def found_on(self) -> date | None:
        """The day whose predictions brought the e-value to what an alarm needs."""
        return None if self.e_process.alarm_day is None else self.days[self.e_process.alarm_day]

    @property
    def strength(self) -> float:
        """The e-value on the last day as a share of what an alarm needs."""
        return float(self.e_process.by_day[-1] * _alpha()) if len(self.days) else 0.0


def _alpha() -> float:
    return YEARLY_ALPHA / len(Watched)


def watch_scores(
    days: Sequence[date],
    counts: Integers,
    reference: ScoreReference,
    *,
    tolerance: float,
    customers: int,
) -> Course:
    """Test the mean score of complete customers; ``counts`` has the shape (days, bins).

    The tolerance is at least three standard errors of training's own mean, and of that of so many
    ``customers``: if the same few are scored every day, their mean stays where chance put it.
    """
    centres, trained = bin_centres(), np.array(reference.customers)
    mean = float(centres @ trained / trained.sum())
    variance = float(((centres - mean) ** 2) @ trained / trained.sum())
    error = math.sqrt(variance / min(float(trained.sum()), max(customers, 1)))
    within = max(tolerance, _STANDARD_ERRORS * error)
    numbers = [Day(centres[row > 0] - mean, row[row > 0].astype(float)) for row in counts]
    return _course(Watched.SCORE, days, numbers, within)


def watch_promises(
    days: NDArray[np.datetime64], found: Predictions, *, tolerance: float
) -> list[Course]:
    """Test calibration and log-loss on predictions that are old enough; ``days``: (predictions,).

    Customers who were contacted are left out: the contact may have changed the outcome. So are
    days with fewer outcomes than ``LEAST_LABELLED``.
    """
    usable = found.is_labelled & (found.contacted != 1) & _is_known(days, found)
    chosen, made = found.take(usable), days[usable]
    y = chosen.label.astype(float)
    odds = np.clip(log_odds(chosen.p), -_MOST_LOG_ODDS, _MOST_LOG_ODDS)
    surplus = (chosen.p - y) * odds / _MOST_LOG_ODDS
    parts = [np.flatnonzero(made == day) for day in np.unique(made)]
    dates = [made[part[0]].astype(object) for part in parts]
    gap = [_day((y - chosen.p)[part]) for part in parts]
    loss = [_day(surplus[part]) for part in parts]
    return [
        _course(Watched.CALIBRATION, dates, gap, tolerance),
        _course(Watched.LOG_LOSS, dates, loss, tolerance / _MOST_LOG_ODDS, two_sided=False),
    ]


def _is_known(days: NDArray[np.datetime64], found: Predictions) -> Flags:
    """Return which predictions are of a day with enough outcomes."""
    _, place = np.unique(days, return_inverse=True)
    shares = np.bincount(place, found.is_labelled) / np.bincount(place)
    return np.asarray(shares[place] >= LEAST_LABELLED)


def _day(values: NDArray[np.float64]) -> Day:
    return Day(values, np.ones(len(values)))


def _course(
    watched: Watched,
    days: Sequence[date],
    numbers: Sequence[Day],
    tolerance: float,
    *,
    two_sided: bool = True,
) -> Course:
    e_process = sequential.watch(numbers, tolerance=tolerance, alpha=_alpha(), two_sided=two_sided)
    recent = numbers[-_RECENT:]
    total = sum(float(day.counts.sum()) for day in recent)
    difference = sum(float(day.values @ day.counts) for day in recent) / total if total else 0.0
    scale = _MOST_LOG_ODDS if watched is Watched.LOG_LOSS else 1.0
    return Course(watched, days, e_process, difference * scale)


_SENTENCES: Final = {
    Watched.SCORE: "the mean score is {amount:.1f} points {direction} than in training: the "
    "customers who are scored have changed, at once or little by little",
    Watched.CALIBRATION: "{amount:.1f} points {direction} churn than the scores promised",
    Watched.LOG_LOSS: "the log-loss is {loss:.3f} worse than the scores promised",
}


def kind_of(watched: Watched) -> AlarmKind:
    """Return the kind of an alarm about it."""
    return AlarmKind.PERFORMANCE if watched is Watched.LOG_LOSS else AlarmKind.SLOW_DRIFT


def alarm_of(course: Course, model_version: str) -> Alarm | None:
    """Return the alarm of a test that found something."""
    if course.found_on is None:
        return None
    more = ("more of the customers", "fewer of the customers")
    words = ("higher", "lower") if course.watched is Watched.SCORE else more
    sentence = _SENTENCES[course.watched].format(
        amount=abs(course.difference) * 100,
        loss=course.difference,
        direction=words[course.e_process.sign < 0],
    )
    sentence = (
        f"{sentence}, by the last {_RECENT} days with data; the predictions up to "
        f"{course.found_on:%-d %B %Y} were enough for an alarm"
    )
    return Alarm(
        kind_of(course.watched),
        str(course.watched),
        model_version,
        sentence,
        {"difference": course.difference, "days": len(course.days)},
        asks_retrain=True,
    )
