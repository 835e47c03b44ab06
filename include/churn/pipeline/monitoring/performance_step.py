"""Measures versions on predictions whose outcomes are known."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from churn.monitoring import watching
from churn.monitoring.estimated import Estimate, estimate
from churn.monitoring.performance import (
    FEWEST_LABELS,
    Flags,
    Performance,
    Predictions,
    perform,
)
from churn.monitoring.reference import SCORE_BINS, Reference, score_bins
from churn.monitoring.repeats import spaced
from churn.monitoring.watching import LEAST_LABELLED, Course
from churn.pipeline.monitoring.context import RunContext
from churn.pipeline.monitoring.windows import weeks_and_months
from churn.registry.loaded_model import LoadedModel
from churn.warehouse.outcomes.labelled import Labelled, read_labelled


@dataclass(frozen=True)
class Period:
    """A version's performance in a week or a month, and what was estimated without outcomes.

    ``is_mature``: every prediction is old enough to have an outcome.
    """

    version: str
    start: datetime
    end: datetime
    is_mature: bool
    performance: Performance
    estimate: Estimate | None

    @property
    def errors(self) -> Mapping[str, float]:
        """The estimate minus what came true, of a period whose outcomes are known."""
        if not (
            self.estimate and self.is_mature and self.performance.share_labelled > LEAST_LABELLED
        ):
            return {}
        true = self.performance.figures
        return {
            name: one.value - true[name].value
            for name, one in self.estimate.figures.items()
            if name in true
        }


def read_history(run: RunContext, version: str) -> Labelled:
    """Read a version's predictions of half a year, with the outcomes known at the moment."""
    return read_labelled(
        run.connection,
        version,
        since=run.first_moment,
        until=run.moment,
        as_of=run.moment,
        maturity=run.options.maturity,
    )


def independent(run: RunContext, history: Labelled) -> Labelled:
    """Return predictions of each customer that are a maturity apart: no departure counts twice."""
    return history.only(spaced(history.customer, history.day, run.options.maturity.days))


def predictions_of(labelled: Labelled) -> Predictions:
    """Return what is measured of predictions that were read."""
    return Predictions(
        labelled.probability,
        labelled.label,
        labelled.advised,
        labelled.contacted,
        labelled.monthly_charges,
    )


def periods(
    run: RunContext, model: LoadedModel, history: Labelled, reference: Reference | None
) -> Iterator[Period]:
    """Yield each whole week and month with predictions of a version, the earliest first.

    Of each customer the first prediction in the period counts.
    """
    if not len(history):
        return
    found = predictions_of(history)
    first = datetime.combine(history.day.min().astype(object), datetime.min.time(), UTC)
    for start, end in weeks_and_months(first, run.moment):
        inside = _between(history, start, end)
        if inside.any():
            apart = spaced(history.customer[inside], history.day[inside], (end - start).days)
            chosen = found.take(inside).take(apart)
            yield Period(
                model.version,
                start,
                end,
                end + run.options.maturity <= run.moment,
                perform(chosen, model.manifest.policy),
                _estimated(chosen, reference),
            )


def _between(history: Labelled, start: datetime, end: datetime) -> Flags:
    first, after = np.datetime64(start.date()), np.datetime64(end.date())
    return np.asarray((history.day >= first) & (history.day < after))


def _estimated(chosen: Predictions, reference: Reference | None) -> Estimate | None:
    if reference is None:
        return None
    return estimate(np.bincount(score_bins(chosen.p), minlength=SCORE_BINS), reference.score)


def watch(run: RunContext, history: Labelled) -> Sequence[Course]:
    """Test a version's promises on the predictions that are old enough to have an outcome.

    ``history`` has predictions of a customer that are a maturity apart. Nothing is tested with
    fewer than 50 outcomes.
    """
    last = np.datetime64((run.moment - run.options.maturity).date())
    old = history.only(history.day < last)
    found = predictions_of(old)
    if found.is_labelled.sum() < FEWEST_LABELS:
        return ()
    return watching.watch_promises(old.day, found, tolerance=run.options.tolerance)
