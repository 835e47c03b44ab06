"""False alarms over a year of daily looks, and when a slow drift is found."""

from typing import Final

import numpy as np

from benchmarks.monitoring.population import Floats, Population
from churn.monitoring import watching
from churn.monitoring.calibration import log_odds
from churn.monitoring.performance import Predictions
from churn.monitoring.reference import SCORE_BINS, score_bins

_YEARS: Final = 300
_DAYS: Final = 365
_NIGHTLY: Final = 200
_NIGHTS: Final = 100
_RISE: Final = 1.5
_MATURITY: Final = 30
_COURSES: Final = 20
_TOLERANCE: Final = 0.02
_FIRST: Final = np.datetime64("2026-01-01")


def measure(found: Population) -> str:
    """Return both tables."""
    calibrated, real = (
        sum(_has_alarm(found, truth, seed) for seed in range(_YEARS))
        for truth in (found.p, found.truth)
    )
    lines = [
        f"## A year of daily looks without drift, {_NIGHTLY} customers a day",
        "",
        f"{calibrated} of {_YEARS} years ({calibrated / _YEARS:.1%}) had an alarm of any of the "
        "three tests where outcomes are drawn from the scores themselves, and "
        f"{real} ({real / _YEARS:.1%}) where they are drawn from gradient boosting.",
        "",
        f"## Slow drift: + {_RISE} log-odds over {_NIGHTS} nights",
        "",
        "Outcomes are known after 30 days. Regret is the log-loss that the true probabilities "
        "would have saved until the alarm, as a share of that of all 100 nights.",
        "",
        "| customers a night | night of the alarm, median | latest | share of the regret, median |",
        "|---|---|---|---|",
        *(_slow(found, nightly) for nightly in (50, 200, 1_000)),
    ]
    return "\n".join(lines)


def _has_alarm(found: Population, truth: Floats, seed: int) -> bool:
    """Whether any test alarms in a year of customers who churn with their true probability."""
    random = np.random.default_rng(seed)
    rows = random.integers(0, len(found.p), _DAYS * _NIGHTLY)
    days = np.repeat(_FIRST + np.arange(_DAYS), _NIGHTLY)
    predictions = _predictions(found.p[rows], random.random(len(rows)) < truth[rows])
    courses = watching.watch_promises(days, predictions, tolerance=_TOLERANCE)
    bins = score_bins(found.p[rows]).reshape(_DAYS, _NIGHTLY)
    counts = np.stack([np.bincount(day, minlength=SCORE_BINS) for day in bins])
    dates = [day.astype(object) for day in np.unique(days)]
    courses.append(
        watching.watch_scores(
            dates,
            counts,
            found.reference.score,
            tolerance=_TOLERANCE,
            customers=_DAYS * _NIGHTLY,
        )
    )
    return any(one.e_process.is_alarm for one in courses)


def _slow(found: Population, nightly: int) -> str:
    nights = [_night_found(found, nightly, seed) for seed in range(_COURSES)]
    regret = _regret(found)
    shares = [regret[min(night, _NIGHTS) - 1] / regret[-1] for night in nights]
    latest = f"{max(nights)}" if max(nights) <= _NIGHTS else "not in time"
    return f"| {nightly:,} | {np.median(nights):.0f} | {latest} | {np.median(shares):.0%} |"


def _risen(p: Floats, night: Floats | int) -> Floats:
    return np.asarray(1 / (1 + np.exp(-(log_odds(p) + _RISE * night / _NIGHTS))))


def _night_found(found: Population, nightly: int, seed: int) -> int:
    """Return the night of the alarm: the outcomes of the predictions come 30 days later."""
    random = np.random.default_rng(seed)
    rows = random.integers(0, len(found.p), _NIGHTS * nightly)
    night = np.repeat(np.arange(_NIGHTS), nightly)
    churned = random.random(len(rows)) < _risen(found.p[rows], night.astype(float))
    courses = watching.watch_promises(
        _FIRST + night, _predictions(found.p[rows], churned), tolerance=_TOLERANCE
    )
    seen = [one.e_process.alarm_day for one in courses if one.e_process.alarm_day is not None]
    return min(seen) + _MATURITY + 1 if seen else 10 * _NIGHTS


def _regret(found: Population) -> Floats:
    """Return the regret up to and with each night: the divergence of the scores from the truth."""
    nightly = []
    for night in range(_NIGHTS):
        truth = _risen(found.p, night)
        p = np.clip(found.p, 1e-6, 1 - 1e-6)
        loss = truth * np.log(truth / p) + (1 - truth) * np.log((1 - truth) / (1 - p))
        nightly.append(loss.mean())
    return np.cumsum(nightly)


def _predictions(p: Floats, churned: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> Predictions:
    count = len(p)
    return Predictions(
        p,
        churned.astype(np.int8),
        np.zeros(count, bool),
        np.zeros(count, np.int8),
        np.full(count, np.nan),
    )
