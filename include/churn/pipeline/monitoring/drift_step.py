"""Compares the last window of the live version with what it was trained on."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from churn.customer.description import BY_NAME
from churn.monitoring import drift, quality, sentences, watching
from churn.monitoring.alarm import Alarm, AlarmKind
from churn.monitoring.drift import FEWEST_ROWS, SCORE, ColumnDrift
from churn.monitoring.estimated import MOST_OUTSIDE, Estimate, estimate
from churn.monitoring.reference import SCORE_BINS, FieldReference, Reference
from churn.monitoring.sequential import HORIZON
from churn.monitoring.watching import Course, Watched
from churn.pipeline.monitoring.context import RunContext
from churn.warehouse.connect import Connection
from churn.warehouse.predictions.counts import (
    Binning,
    Window,
    WindowCounts,
    count_days,
    count_predictions,
    count_window,
)

_WINDOWS_BEFORE: Final = 4
Condition = tuple[AlarmKind, str]


@dataclass(frozen=True)
class DriftFound:
    """What the window showed; ``unknown`` counts the predictions that lack each field."""

    start: datetime
    end: datetime
    rows: int
    columns: Sequence[ColumnDrift]
    unknown: Mapping[str, int]
    course: Course
    estimate: Estimate
    alarms: Sequence[Alarm] = ()
    judged: Sequence[Condition] = field(default=())


def look_for_drift(
    run: RunContext,
    version: str,
    reference: Reference,
) -> DriftFound:
    """Judge the last whole window, the window before it, and the scores of up to a year."""
    connection, (start, end) = run.connection, run.window
    length = end - start
    counts = _count(connection, Window(version, start, end), reference)
    before = _count(connection, Window(version, start - length, start), reference)
    columns = drift.judge(
        reference,
        counts.fields,
        counts.complete,
        alpha=drift.window_alpha(length.days),
        share=counts.customers / max(1, counts.rows),
    )
    year = Window(version, end - timedelta(days=HORIZON), run.moment)
    days, scores = count_days(connection, year, None, needed=_needed(reference), bins=SCORE_BINS)
    course = watching.watch_scores(
        days,
        scores,
        reference.score,
        tolerance=run.options.tolerance,
        customers=counts.customers,
    )
    found = DriftFound(
        start,
        end,
        counts.rows,
        columns,
        _unknown(counts),
        course,
        _estimated(counts, columns, reference),
    )
    alarms = [
        *_field_alarms(connection, found, counts, reference, year),
        *quality.blanks(found.unknown, counts.rows, _unknown(before), before.rows, version),
    ]
    if slow := watching.alarm_of(course, version):
        alarms.append(slow)
    judged = [
        *((AlarmKind.DRIFT, one.name) for one in columns if one.p is not None),
        *((AlarmKind.QUALITY, name) for name in counts.fields if counts.rows >= FEWEST_ROWS),
        *([(AlarmKind.SLOW_DRIFT, str(Watched.SCORE))] if days else []),
    ]
    return DriftFound(**{**vars(found), "alarms": alarms, "judged": judged})


def _needed(reference: Reference) -> list[str]:
    """Return the fields that a score depends on: a customer with all of them is complete."""
    return [one.field for one in reference.fields if any(one.log_odds)]


def _count(connection: Connection, window: Window, reference: Reference) -> WindowCounts:
    binnings = [binning_of(one) for one in reference.fields]
    needed = _needed(reference)
    return count_window(connection, window, binnings, needed=needed, score_bins=SCORE_BINS)


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


def _unknown(counts: WindowCounts) -> dict[str, int]:
    return {name: counts.rows - int(known.sum()) for name, known in counts.fields.items()}


def _field_alarms(
    connection: Connection,
    found: DriftFound,
    counts: WindowCounts,
    reference: Reference,
    year: Window,
) -> Iterator[Alarm]:
    by_name = {one.field: one for one in reference.fields}
    for column in found.columns:
        if not column.is_alarm:
            continue
        if column.name == SCORE:
            yield sentences.score_alarm(
                column, reference.score, counts.complete, year.model_version
            )
            continue
        one = by_name[column.name]
        days, by_day = count_days(connection, year, binning_of(one))
        changed = sentences.since(days, by_day)
        yield sentences.field_alarm(
            column, one, counts.fields[column.name], year.model_version, changed
        )


def _estimated(
    counts: WindowCounts, columns: Sequence[ColumnDrift], reference: Reference
) -> Estimate:
    """Estimate the window's performance, unless too much is beyond what training had."""
    beyond = {
        one.name: one.outside / one.rows
        for one in columns
        if one.log_odds and one.rows and one.outside > MOST_OUTSIDE * one.rows
    }
    if beyond:
        worst = max(beyond, key=lambda name: beyond[name])
        return Estimate({}, f"{beyond[worst]:.0%} of {worst} are beyond what training had")
    return estimate(counts.score, reference.score)


def count_windows_before(run: RunContext) -> list[int]:
    """Return the predictions, of all versions, in the last windows, the latest last."""
    start, end = run.window
    length = end - start
    spans = [(start - length * n, end - length * n) for n in range(_WINDOWS_BEFORE, -1, -1)]
    return [count_predictions(run.connection, *span) for span in spans]
