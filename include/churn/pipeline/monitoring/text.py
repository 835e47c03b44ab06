"""A monitoring run in text, for the terminal and the task's log."""

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from churn.model.bootstrap import Figure
from churn.model.metrics import METRICS
from churn.monitoring.drift import FEWEST_ROWS
from churn.pipeline.monitoring.drift_step import DriftFound
from churn.pipeline.monitoring.performance_step import Period

if TYPE_CHECKING:
    from churn.pipeline.monitor import MonitorReport

_TITLES: Final = {
    **{name: one.title for name, one in METRICS.items()},
    "churn_rate": "churn rate",
    "calibration_intercept": "calibration intercept",
    "calibration_slope": "calibration slope",
    "precision_advised": "precision of the advised",
    "lift_advised": "lift of the advised",
    "profit_promised": "profit promised",
    "profit_realised": "profit realised",
}
_SHOWN_PERIODS: Final = 6


def render(report: "MonitorReport") -> str:
    """Return the report in lines."""
    return "\n".join(_lines(report))


def _lines(report: "MonitorReport") -> Iterator[str]:
    yield f"as of {report.as_of:%Y-%m-%d %H:%M} UTC, live version {report.version}"
    yield from (f"  {note}" for note in report.notes)
    if report.drift:
        yield from _drift(report.drift)
    yield from _periods(report.periods)
    for course in report.courses:
        yield f"{course.watched}: e-value {course.strength:.2g} of what an alarm needs"
    for paired in report.paired:
        yield str(paired)
    yield f"{len(report.alarms)} alarms" if report.alarms else "no alarms"
    for alarm in report.alarms:
        yield f"  {alarm.kind}, {alarm.subject}: {alarm.sentence}"


def _drift(found: DriftFound) -> Iterator[str]:
    window = f"{found.start:%Y-%m-%d} to {found.end:%Y-%m-%d} (excluded)"
    yield f"drift, {window}: {found.rows:,} predictions"
    if found.rows < FEWEST_ROWS:
        yield f"  too few rows to judge: {FEWEST_ROWS} are needed"
        return
    yield f"  {'field':<20}{'known':>9}{'distance':>10}{'p':>9}{'log-odds':>10}{'log-loss':>10}"
    for one in found.columns:
        p = "few rows" if one.p is None else f"{one.p:.2g}"
        mark = "  ALARM" if one.is_alarm else ""
        yield (
            f"  {one.name:<20}{one.rows:>9,}{one.distance:>10.3f}{p:>9}"
            f"{one.log_odds:>+10.3f}{one.log_loss:>+10.4f}{mark}"
        )
    if found.estimate.unknowable:
        yield f"  performance cannot be known without outcomes: {found.estimate.unknowable}"
    else:
        figures = (f"{_TITLES[n]} {shown(one)}" for n, one in found.estimate.figures.items())
        yield f"  estimated without outcomes, 90 % intervals: {', '.join(figures)}"


def _periods(periods: Sequence[Period]) -> Iterator[str]:
    for period in periods[-_SHOWN_PERIODS:]:
        found = period.performance
        span = f"{period.start:%Y-%m-%d} to {period.end:%Y-%m-%d}"
        yield (
            f"{period.version}, {span}: {found.predictions:,} predictions, outcomes of "
            f"{found.share_labelled:.0%}{'' if period.is_mature else ', more will follow'}"
        )
        if found.is_selective:
            yield "  outcomes come for some scores far more often: the figures are biased"
        if not found.figures:
            yield "  too few outcomes for figures"
        for about, figures in (("", found.contacted), ("not ", found.not_contacted)):
            if "churn_rate" in figures:
                yield f"  {about}contacted customers: churn rate {shown(figures['churn_rate'])}"
        for name, one in found.figures.items():
            estimated = period.errors.get(name)
            sentence = "" if estimated is None else f"   the estimate was {estimated:+.4f} off"
            yield f"  {_TITLES[name]:<26}{shown(one)}{sentence}"


def shown(one: Figure) -> str:
    """Return a figure with its interval."""
    if math.isnan(one.low):
        return f"{one.value:.4f}"
    return f"{one.value:.4f} ({one.low:.4f} to {one.high:.4f})"
