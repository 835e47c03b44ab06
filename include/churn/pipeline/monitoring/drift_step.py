"""Compares the last window of the live version with what it was trained on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from churn.customer.description import BY_NAME
from churn.monitoring import drift, quality, sentences, watching
from churn.monitoring.alarm import Alarm, AlarmKind
from churn.monitoring.drift import FEWEST_ROWS, SCORE, ColumnDrift
from churn.monitoring.estimated import MOST_OUTSIDE, Estimate, estimate
from churn.monitoring.reference import SCORE_BINS, FieldReference, Integers, Reference
from churn.monitoring.sequential import LONGEST
from churn.monitoring.watching import Course, Watched
from churn.pipeline.monitoring.context import RunContext
from churn.warehouse.predictions.counts import (
    Binning,
    FieldCounts,
    ScoreCounts,
    Window,
    count_days,
    count_fields,
    count_predictions,
    count_scores,
)

_WINDOWS_BEFORE: Final = 4
Condition = tuple[AlarmKind, str]


@dataclass(frozen=True)
class DriftFound:
    """What the last window showed, and the window before it.

    ``course`` is that of the scores of up to a year.
    """

    start: datetime
    end: datetime
    rows: int
    fields: FieldCounts
    scores: ScoreCounts
    before: FieldCounts
    columns: Sequence[ColumnDrift]
    course: Course
    estimate: Estimate

    @property
    def judged(self) -> Sequence[Condition]:
        """The conditions that there were enough rows to judge."""
        is_compared = min(self.fields.rows, self.before.rows) >= FEWEST_ROWS
        return [
            *((AlarmKind.DRIFT, one.name) for one in self.columns if one.p is not None),
            *((AlarmKind.QUALITY, name) for name in self.fields.unknown if is_compared),
            *([(AlarmKind.SLOW_DRIFT, str(Watched.SCORE))] if self.course.days else []),
        ]


def look_for_drift(run: RunContext, version: str, reference: Reference) -> DriftFound:
    """Judge the last whole window, and the scores of up to a year."""
    connection, (start, end) = run.connection, run.window
    binnings = [binning_of(one) for one in reference.fields]
    window = Window(version, start, end)
    fields = count_fields(connection, window, binnings)
    scores = count_scores(connection, window, needed=_needed(reference), score_bins=SCORE_BINS)
    columns = drift.judge(
        reference,
        fields.known,
        scores.complete,
        alpha=drift.window_alpha(run.options.window_days),
        share=scores.customers / max(1, scores.rows),
    )
    earlier = Window(version, start - (end - start), start)
    return DriftFound(
        start=start,
        end=end,
        rows=scores.rows,
        fields=fields,
        scores=scores,
        before=count_fields(connection, earlier, binnings),
        columns=columns,
        course=_course(run, version, reference, scores.customers),
        estimate=_estimated(scores.every, columns, reference),
    )


def drift_alarms(
    run: RunContext, version: str, reference: Reference, found: DriftFound
) -> Iterator[Alarm]:
    """Yield the alarms of a window: fields and score, blanks, and slow drift of the scores."""
    by_name = {one.field: one for one in reference.fields}
    for column in (one for one in found.columns if one.is_alarm):
        if column.name == SCORE:
            yield sentences.score_alarm(column, reference.score, found.scores.complete, version)
        else:
            yield _field_alarm(run, version, by_name[column.name], column, found)
    fields, before = found.fields, found.before
    yield from quality.blanks(fields.unknown, fields.rows, before.unknown, before.rows, version)
    if slow := watching.alarm_of(found.course, version):
        yield slow


def _year(run: RunContext, version: str) -> Window:
    return Window(version, run.moment - timedelta(days=LONGEST - 1), run.moment)


def _course(run: RunContext, version: str, reference: Reference, customers: int) -> Course:
    days, counts = count_days(
        run.connection,
        _year(run, version),
        None,
        needed=_needed(reference),
        bins=SCORE_BINS,
    )
    return watching.watch_scores(
        days,
        counts,
        reference.score,
        tolerance=run.options.tolerance,
        customers=customers,
    )


def _field_alarm(
    run: RunContext, version: str, one: FieldReference, column: ColumnDrift, found: DriftFound
) -> Alarm:
    days, by_day = count_days(run.connection, _year(run, version), binning_of(one))
    changed = sentences.since(days, by_day)
    return sentences.field_alarm(column, one, found.fields.known[one.field], version, changed)


def _needed(reference: Reference) -> list[str]:
    """Return the fields that a score depends on: a customer with all of them is complete."""
    return [one.field for one in reference.fields if any(one.log_odds)]


def binning_of(reference: FieldReference) -> Binning:
    """Return a field's bins for the log, which has flags as JSON's true and false."""
    if reference.is_number:
        return Binning(reference.field, edges=reference.edges)
    field_ = BY_NAME[reference.field]
    texts = {
        field_.label(value): str(value).lower() if isinstance(value, bool) else str(value)
        for value in field_.values
    }
    return Binning(reference.field, tuple(texts.get(label, label) for label in reference.values))


def _estimated(scores: Integers, columns: Sequence[ColumnDrift], reference: Reference) -> Estimate:
    """Estimate the window's performance, unless too much is beyond what training had."""
    beyond = {
        one.name: one.outside / one.rows
        for one in columns
        if one.log_odds and one.rows and one.outside > MOST_OUTSIDE * one.rows
    }
    if beyond:
        worst = max(beyond, key=lambda name: beyond[name])
        return Estimate({}, f"{beyond[worst]:.0%} of {worst} are beyond what training had")
    return estimate(scores, reference.score)


def count_windows_before(run: RunContext) -> list[int]:
    """Return the predictions, of all versions, in the last windows, the latest last."""
    start, end = run.window
    length = end - start
    spans = [(start - length * n, end - length * n) for n in range(_WINDOWS_BEFORE, -1, -1)]
    return [count_predictions(run.connection, *span) for span in spans]
