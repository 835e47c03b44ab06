"""One monitoring run, the same from the DAG and from ``churn monitor``."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from churn.core.errors import ChurnError, ModelRefusedError
from churn.core.monitor_options import MonitorOptions
from churn.monitoring import watching
from churn.monitoring.alarm import Alarm, AlarmKind
from churn.monitoring.incidents import aware, read_incidents, update_incidents
from churn.monitoring.paired import Paired
from churn.monitoring.reference import FILE, Reference, read_reference
from churn.monitoring.watching import Course
from churn.pipeline.monitoring import loads_step, paired_step, performance_step, text
from churn.pipeline.monitoring.context import RunContext
from churn.pipeline.monitoring.drift_step import (
    Condition,
    DriftFound,
    drift_alarms,
    look_for_drift,
)
from churn.pipeline.monitoring.performance_step import Period
from churn.pipeline.monitoring.reports_step import write_drift, write_periods
from churn.registry.live_version import load_served
from churn.registry.loaded_model import LoadedModel, load_version
from churn.registry.model_registry import ModelRegistry
from churn.registry.store import ModelStore, Version
from churn.warehouse.connect import Connection
from churn.warehouse.outcomes.labelled import Labelled
from churn.warehouse.predictions.counts import find_versions

log = logging.getLogger(__name__)
_REFUSED = "live version"
_NO_REFERENCE = (
    "{} has no {}, as it was trained by an earlier release: drift is not judged until "
    "a version of this release is published"
)
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
    moment = aware(as_of or now)
    if moment > now:
        raise ChurnError(f"{moment} is in the future; name a moment in the past")
    run = RunContext(connection, store, options or MonitorOptions(), moment)
    report = _look(run)
    if report.drift:
        write_drift(connection, report.drift, report.version, moment)
    write_periods(connection, report.periods, moment)
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
    reference = _reference(run.store.read(version))
    drift = look_for_drift(run, version, reference) if reference else None
    history = performance_step.read_history(run, version)
    apart = performance_step.independent(run, history)
    courses = performance_step.watch(run, apart)
    before, shadow = _pairs(run, version, apart)
    alarms = [
        *(drift_alarms(run, version, reference, drift) if reference and drift else ()),
        *filter(None, (watching.alarm_of(one, version) for one in courses)),
        *filter(None, [paired_step.regression(before), _refusal(live.refused, version)]),
        *loads_step.quality_alarms(run, version),
    ]
    judged = [
        *(drift.judged if drift else ()),
        *((watching.kind_of(one.watched), str(one.watched)) for one in courses),
        *((AlarmKind.QUALITY, subject) for subject in (*loads_step.SUBJECTS, _REFUSED)),
        *([paired_step.REGRESSION] if before else []),
    ]
    return MonitorReport(
        run.moment,
        version,
        drift,
        _periods(run, live.model, reference, history),
        [*([drift.course] if drift else []), *courses],
        [one for one in (before, shadow) if one],
        alarms,
        judged,
        () if reference else (_NO_REFERENCE.format(version, FILE),),
    )


def _reference(version: Version) -> Reference | None:
    content = version.files.get(FILE)
    return None if content is None else read_reference(content)


def _refusal(refused: str | None, version: str) -> Alarm | None:
    return Alarm(AlarmKind.QUALITY, _REFUSED, version, refused) if refused else None


def _pairs(run: RunContext, live: str, history: Labelled) -> tuple[Paired | None, Paired | None]:
    """Compare the live version with its predecessor, and with the one in its shadow."""
    former = paired_step.predecessor(run.connection, live)
    shadow = paired_step.shadow(run.store, run.options.shadow)
    before = paired_step.compare_with(run, live, former, history) if former else None
    return before, paired_step.compare_with(run, live, shadow, history) if shadow else None


def _periods(
    run: RunContext, live: LoadedModel, reference: Reference | None, history: Labelled
) -> list[Period]:
    """Return the periods of every version that predicted and is still in the store, by time."""
    found = [*performance_step.periods(run, live, history, reference)]
    for version in find_versions(run.connection, run.first_moment, run.moment):
        if version == live.version or version not in run.store.versions():
            continue
        try:
            read = run.store.read(version)
            model, former = load_version(read), _reference(read)
        except ModelRefusedError as error:
            log.warning("%s is not measured: %s", version, error)
            continue
        others = performance_step.read_history(run, version)
        found += performance_step.periods(run, model, others, former)
    return sorted(found, key=lambda one: (one.end, one.start))


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
