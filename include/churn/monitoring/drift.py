"""Compares a window of predictions with the training customers, field by field.

A choice is compared by the G statistic (Wilks 1935, The Likelihood Test of Independence in
Contingency Tables), a number and the score by the two-sample Kolmogorov-Smirnov statistic (Smirnov
1939) over the reference's bins. How large each becomes by chance is found by drawing both samples,
in their actual sizes, from the reference. Over the fields the p-values are compared by Holm's
method (1979), so that ``alpha`` bounds the probability of any false alarm in a window, however the
fields depend on each other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from churn.monitoring.reference import FieldReference, Integers, Reference, ScoreReference

Floats = NDArray[np.float64]
SCORE: Final = "score"
FEWEST_ROWS: Final = 50
"""A window, or a field's known values in it, with fewer rows is not judged."""
YEARLY_ALPHA: Final = 0.05
"""The probability of any false alarm by windows in a year."""
_DRAWS: Final = 2_000
_ENOUGH: Final = 20
_FINE: Final = 2.0
_SCORE_BINS: Final = 64


@dataclass(frozen=True)
class Sample:
    """A column of the reference: how many customers each bin has, and whether bins are ordered."""

    name: str
    customers: tuple[int, ...]
    is_ordered: bool

    def statistic(self, reference: Integers, window: Integers) -> Floats:
        """Compare windows with references, each of shape (draws, bins); return shape (draws,)."""
        compare = kolmogorov_smirnov if self.is_ordered else g_statistic
        return compare(reference, window)


@dataclass(frozen=True)
class ColumnDrift:
    """How a column differs from training in one window.

    ``rows`` are those in which it is known, ``outside`` those with what training never had;
    ``distance`` is the largest difference of the cumulative shares of a number, or half the sum of
    the differences of the shares of a choice. ``log_odds`` and ``log_loss`` are what the difference
    changes in the mean score, and in the log-loss that the scores promise if customers with each
    value are like those in training; both are 0 for a field that the scores do not depend on.
    ``p`` is None where the window has too few rows.
    """

    name: str
    rows: int
    outside: int
    distance: float
    p: float | None
    is_alarm: bool
    log_odds: float = 0.0
    log_loss: float = 0.0


def g_statistic(one: Integers, other: Integers) -> Floats:
    """Return ``2 sum O ln(O / E)`` over both samples; E as if both came from one population."""
    table = np.stack([one, other], axis=-2).astype(float)
    expected = (
        table.sum(axis=-1, keepdims=True)
        * table.sum(axis=-2, keepdims=True)
        / table.sum(axis=(-2, -1), keepdims=True)
    )
    observed = np.where(table > 0, table, 1.0)
    terms = np.where(table > 0, table * np.log(observed / np.where(expected > 0, expected, 1)), 0.0)
    return np.asarray(2 * terms.sum(axis=(-2, -1)))


def kolmogorov_smirnov(one: Integers, other: Integers) -> Floats:
    """Return the largest difference between the two samples' cumulative shares."""
    shares = [
        np.cumsum(counts, axis=-1) / counts.sum(axis=-1, keepdims=True) for counts in (one, other)
    ]
    return np.asarray(np.abs(shares[0] - shares[1]).max(axis=-1))


def window_alpha(days: int) -> float:
    """Return the alpha of one window of so many days, of which a year is full."""
    return YEARLY_ALPHA * min(1.0, days / 365)


def judge(
    reference: Reference,
    fields: Mapping[str, Integers],
    score: Integers,
    *,
    alpha: float,
    share: float = 1.0,
) -> list[ColumnDrift]:
    """Judge each field's counts, and the score's, against the reference.

    ``fields`` has the counts of the reference's bins, ``score`` those of its 1,000 bins. The fields
    come in their order, the score last. ``share`` is that of customers among predictions: a
    customer who was scored several times counts once, as the repetitions show nothing new.
    """
    columns = [one for one in reference.fields if one.field in fields]
    ranges = _score_ranges(reference.score)
    pairs = [(_sample(one), fields[one.field]) for one in columns]
    pairs.append((_score_sample(reference.score, ranges), np.add.reduceat(score, ranges)))
    pairs = [(sample, np.rint(window * share).astype(int)) for sample, window in pairs]
    judged = {
        sample.name: p_value(sample, window, smallest=alpha / len(pairs))
        for sample, window in pairs
        if window.sum() >= FEWEST_ROWS
    }
    alarms = holm(judged, alpha)
    found = [
        _column(one, window, judged.get(one.field), is_alarm=one.field in alarms)
        for one, (_, window) in zip(columns, pairs[:-1], strict=True)
    ]
    sample, window = pairs[-1]
    distance = _distance(np.array(sample.customers), window, is_ordered=True)
    found.append(
        ColumnDrift(SCORE, int(window.sum()), 0, distance, judged.get(SCORE), SCORE in alarms)
    )
    return found


def p_value(sample: Sample, window: Integers, *, smallest: float) -> float:
    """Return how probable a statistic at least as large is without drift.

    More is drawn only while few draws reach the statistic (Besag and Clifford 1991, Sequential
    Monte Carlo p-values), until a p-value under ``smallest`` could be seen.
    """
    size = int(window.sum())
    observed = sample.statistic(np.array(sample.customers), window)
    null = _null(sample, size)
    reached, drawn = int((null >= observed).sum()), len(null)
    random = np.random.default_rng([size, len(sample.customers), *window[:8].tolist()])
    while reached < _ENOUGH and drawn * smallest < _FINE:
        more = _drawn(sample, size, random)
        reached, drawn = reached + int((more >= observed).sum()), drawn + len(more)
    return (reached + 1) / (drawn + 1)


@lru_cache(maxsize=1_000)
def _null(sample: Sample, size: int) -> Floats:
    return _drawn(sample, size, np.random.default_rng([size, *map(ord, sample.name)]))


def _drawn(sample: Sample, size: int, random: np.random.Generator) -> Floats:
    """Return the statistic of draws of both samples from the reference's shares."""
    customers = np.array(sample.customers)
    shares, total = customers / customers.sum(), int(customers.sum())
    references = random.multinomial(total, shares, _DRAWS)
    return sample.statistic(references, random.multinomial(size, shares, _DRAWS))


def holm(p_values: Mapping[str, float], alpha: float) -> frozenset[str]:
    """Return the names whose p-values stand out among all (Holm 1979)."""
    ranked = sorted(p_values, key=lambda name: p_values[name])
    for place, name in enumerate(ranked):
        if p_values[name] > alpha / (len(ranked) - place):
            return frozenset(ranked[:place])
    return frozenset(ranked)


def _column(
    reference: FieldReference, window: Integers, p: float | None, *, is_alarm: bool
) -> ColumnDrift:
    rows = int(window.sum())
    if not rows:
        return ColumnDrift(reference.field, 0, 0, 0.0, None, is_alarm=False)
    change = window / rows - reference.counts / reference.counts.sum()
    weighs = any(reference.log_odds)
    return ColumnDrift(
        reference.field,
        rows,
        reference.outside(window),
        _distance(reference.counts, window, is_ordered=reference.is_number),
        p,
        is_alarm,
        log_odds=float(change @ np.array(reference.log_odds)),
        log_loss=float(change @ np.array(reference.log_loss)) if weighs else 0.0,
    )


def _distance(reference: Integers, window: Integers, *, is_ordered: bool) -> float:
    if not window.sum():
        return 0.0
    if is_ordered:
        return float(kolmogorov_smirnov(reference, window))
    return float(np.abs(reference / reference.sum() - window / window.sum()).sum() / 2)


def _sample(one: FieldReference) -> Sample:
    return Sample(one.field, one.customers, one.is_number)


def _score_ranges(score: ScoreReference) -> NDArray[np.intp]:
    """Return the first bin of about 64 ranges of the score with equally many customers."""
    below = np.cumsum(score.customers) - score.customers
    wanted = below[-1] * np.arange(_SCORE_BINS) / _SCORE_BINS
    return np.unique(np.append(0, np.searchsorted(below, wanted)))


def _score_sample(score: ScoreReference, ranges: Sequence[int] | NDArray[np.intp]) -> Sample:
    counts = np.add.reduceat(np.array(score.customers), ranges)
    return Sample(SCORE, tuple(counts.tolist()), is_ordered=True)
