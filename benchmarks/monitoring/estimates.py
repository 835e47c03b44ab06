"""How far estimates without outcomes are from what comes true, and how often intervals hold it."""

from typing import Final

import numpy as np

from benchmarks.monitoring.population import Integers, Population
from churn.monitoring.estimated import ESTIMATED, estimate
from churn.monitoring.estimated import measure as measure_scores
from churn.monitoring.reference import SCORE_BINS, ScoreReference, bin_centres, score_bins

_SIZES: Final = (200, 2_000, 20_000)
_WINDOWS: Final = 400
_TRAINED_ON: Final = 5_600


def measure(found: Population) -> str:
    """Return the table."""
    heads = [f"{name} error / held" for name in ESTIMATED]
    lines = [
        "## Estimated performance against what came true: median error / share of 90 % intervals "
        "that hold it",
        "",
        f"| rows | {' | '.join(heads)} |",
        "|---|" + "---|" * len(heads),
        *(_row(found, size) for size in _SIZES),
    ]
    return "\n".join(lines)


def _row(found: Population, size: int) -> str:
    random = np.random.default_rng(size)
    errors = {name: np.zeros(_WINDOWS) for name in ESTIMATED}
    held = dict.fromkeys(ESTIMATED, 0)
    for window in range(_WINDOWS):
        score, churned = _drawn(found, size, random)
        figures = estimate(score, _reference(found, random), seed=window).figures
        true = measure_scores(bin_centres(), churned[None], score)
        for name in ESTIMATED:
            value, one = float(true[name][0]), figures[name]
            errors[name][window] = abs(one.value - value)
            held[name] += one.low <= value <= one.high
    cells = (f"{np.median(errors[n]):.4f} / {held[n] / _WINDOWS:.0%}" for n in ESTIMATED)
    return f"| {size:,} | {' | '.join(cells)} |"


def _drawn(found: Population, size: int, random: np.random.Generator) -> tuple[Integers, Integers]:
    """Return how many customers have each bin of the score, and churned of those."""
    rows = random.integers(0, len(found.p), size)
    churned = random.random(size) < found.truth[rows]
    bins = score_bins(found.p[rows])
    return (
        np.bincount(bins, minlength=SCORE_BINS),
        np.bincount(bins, churned, SCORE_BINS).astype(np.int64),
    )


def _reference(found: Population, random: np.random.Generator) -> ScoreReference:
    """Return the counts of a training set of its own, as another company would have it."""
    customers, churned = _drawn(found, _TRAINED_ON, random)
    return ScoreReference(customers=tuple(customers.tolist()), churned=tuple(churned.tolist()))
