"""How well a version did on predictions whose outcomes are known."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from churn.model import metrics
from churn.model.bootstrap import Z_95, Figure, interval, resampled
from churn.model.policy import Policy
from churn.model.ranking import Floats, Labels, Ranked, average_precision, ratio, roc_auc
from churn.monitoring.calibration import recalibrate
from churn.monitoring.reference import bin_centres, score_bins

NO_LABEL: Final = -1
FEWEST_LABELS: Final = 50
DECILES: Final = 10
_UNEVEN: Final = 0.1
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Predictions:
    """Predictions and what is known of their outcomes, each of shape (predictions,).

    ``label`` is 1 (churned), 0 or -1 (not known yet); ``contacted`` is 1, 0 or -1 (not known);
    ``advised`` is whether the version's policy advised to contact the customer;
    ``monthly_charges`` is NaN where they are unknown.
    """

    p: Floats
    label: NDArray[np.int8]
    advised: Flags
    contacted: NDArray[np.int8]
    monthly_charges: Floats

    def take(self, chosen: Flags) -> "Predictions":
        """Return some of them."""
        return replace(self, **{name: column[chosen] for name, column in vars(self).items()})

    @property
    def is_labelled(self) -> Flags:
        """Which of them have an outcome."""
        return np.asarray(self.label != NO_LABEL)


@dataclass(frozen=True)
class Coverage:
    """A tenth of the predictions by rising score, and how many of them have an outcome."""

    lowest: float
    highest: float
    predictions: int
    labelled: int


@dataclass(frozen=True)
class Performance:
    """The figures of the labelled predictions, each with its 95 % interval.

    ``contacted`` and ``not_contacted`` are the same of those for whom that is known: a contact may
    have changed the outcome. There are no figures under 50 labels, or if all outcomes are the same.
    """

    predictions: int
    labelled: int
    churned: int
    figures: Mapping[str, Figure]
    coverage: tuple[Coverage, ...]
    contacted: Mapping[str, Figure]
    not_contacted: Mapping[str, Figure]

    @property
    def share_labelled(self) -> float:
        """The share of predictions that have an outcome."""
        return self.labelled / self.predictions if self.predictions else 0.0

    @property
    def is_selective(self) -> bool:
        """Whether outcomes come far more often for some scores than for others: a biased sample."""
        shares = [
            c.labelled / c.predictions for c in self.coverage if c.predictions >= FEWEST_LABELS
        ]
        return bool(shares) and max(shares) - min(shares) > max(_UNEVEN, min(shares))


def perform(found: Predictions, policy: Policy) -> Performance:
    """Measure predictions; the profit is that of the version's policy, its assumptions included."""
    labelled = found.take(found.is_labelled)
    return Performance(
        predictions=len(found.p),
        labelled=len(labelled.p),
        churned=int(labelled.label.sum()),
        figures=figures(labelled, policy),
        coverage=_coverage(found),
        contacted=figures(labelled.take(labelled.contacted == 1), policy),
        not_contacted=figures(labelled.take(labelled.contacted == 0), policy),
    )


def figures(found: Predictions, policy: Policy) -> dict[str, Figure]:
    """Return each metric of labelled predictions with its 95 % interval."""
    y = found.label.astype(np.int64)
    if len(y) < FEWEST_LABELS or not 0 < y.sum() < len(y):
        return {}
    exact = _ranking(y, found.p, found.advised, np.ones((1, len(y))))
    drawn = _ranking(*_cells(y, found.p, found.advised))
    ranked = {name: interval(np.append(exact[name], drawn[name][1:])) for name in exact}
    losses, squares = metrics.losses(y, found.p), (found.p - y) ** 2
    return {
        **{name: one for name, one in ranked.items() if math.isfinite(one.value)},
        "log_loss": mean_figure(losses),
        "brier": mean_figure(squares),
        "churn_rate": mean_figure(y.astype(float)),
        **_calibration(found.p, y),
        **_profits(found, y, policy),
    }


def _ranking(y: Labels, p: Floats, advised: Flags, weights: Floats) -> dict[str, Floats]:
    ranked = Ranked(y, p, weights)
    contacted = weights * advised
    precision = ratio(contacted @ y.astype(float), contacted.sum(axis=1))
    return {
        "roc_auc": roc_auc(ranked),
        "pr_auc": average_precision(ranked),
        "calibration_error": metrics.calibration_error(y, p, weights),
        "precision_advised": precision,
        "lift_advised": ratio(precision, ranked.base_rate),
    }


def _cells(y: Labels, p: Floats, advised: Flags) -> tuple[Labels, Floats, Flags, Floats]:
    """Return the distinct rows, scores rounded to their bins, and draws of how often each occurs.

    At most 4,000 cells stand for any number of predictions, so a bootstrap takes as long for all.
    """
    codes, first, counts = np.unique(
        score_bins(p) * 4 + y * 2 + advised, return_index=True, return_counts=True
    )
    return y[first], bin_centres()[codes // 4], advised[first], resampled(counts.astype(float))


def mean_figure(values: Floats) -> Figure:
    """Return a mean with its interval by the central limit theorem."""
    value = float(values.mean())
    reach = Z_95 * float(values.std(ddof=1)) / math.sqrt(len(values))
    return Figure(value, value - reach, value + reach)


def _calibration(p: Floats, y: Labels) -> dict[str, Figure]:
    found = recalibrate(p, y.astype(float), np.ones(len(p)))
    if found is None:
        return {}
    values = zip(
        ("calibration_intercept", "calibration_slope"),
        (found.intercept, found.slope),
        found.errors,
        strict=True,
    )
    return {name: Figure(v, v - Z_95 * error, v + Z_95 * error) for name, v, error in values}


def _profits(found: Predictions, y: Labels, policy: Policy) -> dict[str, Figure]:
    """Return the profit per advised customer: as the scores promised it, and by the outcomes."""
    if found.advised.sum() < FEWEST_LABELS:
        return {}
    charges = found.monthly_charges[found.advised]
    promised = policy.expected_profits(found.p[found.advised], charges)
    realised = y[found.advised] * policy.gains(charges) - policy.loss
    return {"profit_promised": mean_figure(promised), "profit_realised": mean_figure(realised)}


def _coverage(found: Predictions) -> tuple[Coverage, ...]:
    if not len(found.p):
        return ()
    order = np.argsort(found.p, kind="stable")
    parts = np.array_split(order, min(DECILES, len(order)))
    labelled = found.is_labelled
    return tuple(
        Coverage(
            float(found.p[part[0]]), float(found.p[part[-1]]), len(part), int(labelled[part].sum())
        )
        for part in parts
    )
