"""One monitoring run, the same from the DAG and from ``churn monitor``."""

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from churn.core.errors import ChurnError, ModelRefusedError
from churn.core.monitor_options import MonitorOptions
from churn.monitoring import watching
from churn.monitoring.alarm import Alarm, AlarmKind
from churn.monitoring.drift import FEWEST_ROWS
from churn.monitoring.incidents import read_incidents, update_incidents
from churn.monitoring.paired import Paired
from churn.monitoring.reference import FILE, Reference, read_reference
from churn.monitoring.watching import Course
from churn.pipeline.monitoring import loads_step, paired_step, performance_step, text
from churn.pipeline.monitoring.context import RunContext
from churn.pipeline.monitoring.drift_step import Condition, DriftFound, look_for_drift
from churn.pipeline.monitoring.performance_step import Period
from churn.registry.live_version import load_served
from churn.registry.loaded_model import LoadedModel, load_published
from churn.registry.model_registry import ModelRegistry
from churn.registry.store import ModelStore
from churn.warehouse import monitoring_tables
from churn.warehouse.connect import Connection
from churn.warehouse.monitoring_tables import Report, Verdict
from churn.warehouse.outcomes.labelled import Labelled
from churn.warehouse.predictions.counts import find_versions

log = logging.getLogger(__name__)
_REFUSED = "live version"
_OF_A_VERSION = (AlarmKind.SLOW_DRIFT, AlarmKind.PERFORMANCE, AlarmKind.REGRESSION)


@dataclass(frozen=True)
class MonitorReport:
    """What a run found. ``judged`` are the conditions that had enough rows to be judged."""

    as_of: datetime
    version: str
    drift: DriftFound | None
    periods: Sequence[Period]
    courses: Sequence[Course]
    paired: Sequence[Paired]
    alarms: Sequence[Alarm]
    judged: Sequence[Condition]
    notes: Sequence[str] = ()

    def text(self) -> str:
        """Return the report for people."""
        return text.render(self)


def monitor(
    connection: Connection,
    store: ModelStore,
    options: MonitorOptions | None = None,
    *,
    as_of: datetime | None = None,
) -> MonitorReport:
    """Judge the predictions and outcomes known at a moment; write reports, and update incidents.

    The same run twice writes the same. Windows without enough rows are neither a pass nor an alarm.

    Raises:
        NoModelError: nothing has been published yet.
        ChurnError: ``as_of`` is in the future or has no time zone.
    """
    now = datetime.now(UTC)
    moment = as_of or now
    if moment.tzinfo is None or moment > now:
        raise ChurnError(f"{moment} is not a moment in the past, with its time zone")
    run = RunContext(connection, store, options or MonitorOptions(), moment)
    report = _look(run)
    _write(connection, report)
    judged = [*report.judged, *_superseded(connection, report.version)]
    update_incidents(connection, report.alarms, judged, moment)
    return report


def _superseded(connection: Connection, live: str) -> list[Condition]:
    """Return the open incidents about how another version than the live one does."""
    return [
        (AlarmKind(one.kind), one.subject)
        for one in read_incidents(connection, open_only=True)
        if one.model_version != live and one.kind in _OF_A_VERSION
    ]


def _look(run: RunContext) -> MonitorReport:
    live = load_served(run.store)
    version = live.model.version
    reference, notes = _reference(run.store, version)
    drift = look_for_drift(run, version, reference) if reference else None
    history = performance_step.read_history(run, version)
    courses = performance_step.watch(run, history)
    paired, regression = _pairs(run, version, history)
    alarms = [
        *(drift.alarms if drift else ()),
        *filter(None, (watching.alarm_of(one, version) for one in courses)),
        *filter(None, [regression, _refusal(live.refused, version)]),
        *loads_step.quality_alarms(run, version),
    ]
    judged = [
        *(drift.judged if drift else ()),
        *((watching.kind_of(one.watched), str(one.watched)) for one in courses),
        *((AlarmKind.QUALITY, subject) for subject in (*loads_step.SUBJECTS, _REFUSED)),
        *([(AlarmKind.REGRESSION, "log_loss")] if paired else []),
    ]
    return MonitorReport(
        run.moment,
        version,
        drift,
        _periods(run, live.model, history),
        [*([drift.course] if drift else []), *courses],
        paired,
        alarms,
        judged,
        notes,
    )


def _reference(store: ModelStore, version: str) -> tuple[Reference | None, Sequence[str]]:
    content = store.read(version).files.get(FILE)
    if content is None:
        return None, [
            f"{version} has no {FILE}, as it was trained by an earlier release: drift is not "
            "judged until a version of this release is published"
        ]
    return read_reference(content), ()


def _refusal(refused: str | None, version: str) -> Alarm | None:
    return Alarm(AlarmKind.QUALITY, _REFUSED, version, refused) if refused else None


def _pairs(run: RunContext, live: str, history: Labelled) -> tuple[Sequence[Paired], Alarm | None]:
    """Compare the live version with its predecessor, and with the one in its shadow."""
    former = paired_step.predecessor(run.connection, live)
    before = paired_step.compare_with(run, live, former, history) if former else None
    shadow = paired_step.shadow(run.store, run.options.shadow)
    other = paired_step.compare_with(run, live, shadow, history) if shadow else None
    return [one for one in (before, other) if one], paired_step.regression(before)


def _periods(run: RunContext, live: LoadedModel, history: Labelled) -> list[Period]:
    """Return the periods of every version that predicted and is still in the store."""
    found = [(live, history)]
    for version in find_versions(run.connection, run.first_moment, run.moment):
        if version == live.version or version not in run.store.versions():
            continue
        try:
            model = load_published(run.store, version)
        except ModelRefusedError as error:
            log.warning("%s is not measured: %s", version, error)
            continue
        found.append((model, performance_step.read_history(run, version)))
    return [
        period
        for model, read in found
        for period in performance_step.periods(
            run, model, read, _reference(run.store, model.version)[0]
        )
    ]


def _write(connection: Connection, report: MonitorReport) -> None:
    if found := report.drift:
        enough = found.rows >= FEWEST_ROWS
        is_alarm = any(alarm.kind is AlarmKind.DRIFT for alarm in found.alarms)
        verdict = Verdict.ALARM if is_alarm else Verdict.OK if enough else Verdict.TOO_FEW_ROWS
        content = {
            "columns": [asdict(one) for one in found.columns],
            "unknown": dict(found.unknown),
            "estimate": asdict(found.estimate),
        }
        monitoring_tables.write_drift_report(
            connection,
            Report(
                model_version=report.version,
                window_start=found.start,
                window_end=found.end,
                as_of=report.as_of,
                verdict=verdict,
                rows=found.rows,
                content=content,
            ),
        )
    for period in report.periods:
        monitoring_tables.write_performance_report(connection, _stored(period, report.as_of))


def _stored(period: Period, as_of: datetime) -> Report:
    found = period.performance
    content = {
        **asdict(found),
        "is_mature": period.is_mature,
        "is_selective": found.is_selective,
        "estimate": asdict(period.estimate) if period.estimate else None,
        "errors_of_the_estimate": dict(period.errors),
    }
    return Report(
        model_version=period.version,
        window_start=period.start,
        window_end=period.end,
        as_of=as_of,
        verdict=Verdict.OK if found.figures else Verdict.NO_LABELS_YET,
        rows=found.predictions,
        content=content,
    )


def roll_back_if_worse(
    registry: ModelRegistry, report: MonitorReport, options: MonitorOptions
) -> str | None:
    """Roll the live version back that does worse than its predecessor, if the setting allows it.

    Returns the version that serves then, or None where nothing was rolled back.
    """
    worse = [alarm for alarm in report.alarms if alarm.kind is AlarmKind.REGRESSION]
    if not worse or not options.auto_rollback or registry.store.current() != report.version:
        return None
    former = paired_step.predecessor(registry.connection, report.version)
    if former is None:
        return None
    registry.roll_back(f"rolled back by monitoring: {worse[0].sentence}", to=former)
    log.warning("%s was rolled back to %s: %s", report.version, former, worse[0].sentence)
    return former
