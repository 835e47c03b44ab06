"""Decides whether alarms start a training: with a cool-down, a maximum per week, once per incident.

An incident has one granted request at most, so that an alarm which training does not cure cannot
start one training after the other.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

from churn.core.alert_options import COOLDOWN, PER_WEEK, RetrainOptions
from churn.core.errors import plain
from churn.monitoring.incidents import shown
from churn.warehouse.connect import Connection, run, statement

_WEEK: Final = timedelta(days=7)
_LONGEST: Final = 1_000

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RetrainRequest:
    """A row of ``retrain_requests``; ``decided_because`` is why it was granted or held back."""

    request_id: int
    requested_at: datetime
    run: str
    reason: str
    alarm_ids: Sequence[int]
    granted: bool
    decided_because: str


@dataclass(frozen=True)
class _Asking:
    alarm_id: int
    kind: str
    subject: str
    sentence: str


def request_retrain(
    connection: Connection, options: RetrainOptions, run_id: str, *, now: datetime | None = None
) -> RetrainRequest | None:
    """Record what open alarms request, and whether it is granted; ``None`` where none requests.

    The same run gets the same answer again, so that a run that was killed can start the training.
    """
    moment = now or datetime.now(UTC)
    connection.execute(statement("lock_alarms"))
    if known := _read(connection, run_id):
        return known
    rows = connection.execute(statement("find_asking_alarms")).fetchall()
    asking = [_Asking(*cast("Any", row)) for row in rows]
    if not asking:
        return None
    held_back = _hold_back(connection, options, moment)
    values = {
        "requested_at": moment,
        "run": run_id,
        "reason": _reason(asking),
        "alarm_ids": [one.alarm_id for one in asking],
        "granted": held_back is None,
        "decided_because": held_back or "no training was requested too recently",
    }
    run(connection, "insert_retrain_request", values)
    made = _read(connection, run_id)
    log.info("%s", _line(made))
    return made


def _reason(asking: Sequence[_Asking]) -> str:
    """Return the reason that the training records: the first alarm, and how many more."""
    first = asking[0]
    more = f" (and {len(asking) - 1} more alarms)" if len(asking) > 1 else ""
    text = f"alarm {first.alarm_id}: {first.kind}, {first.subject}: {first.sentence}"
    return f"{plain(text, _LONGEST)}{more}"


def _hold_back(connection: Connection, options: RetrainOptions, now: datetime) -> str | None:
    """Return why no training is started now, if so."""
    cooldown = timedelta(days=options.cooldown_days)
    since = now - max(cooldown, _WEEK)
    rows = run(connection, "read_granted", {"since": since}).fetchall()
    granted = [cast(datetime, row[0]) for row in rows]
    if granted and granted[-1] > now - cooldown:
        until = shown(granted[-1] + cooldown)
        return f"alarms started a training at {shown(granted[-1])}; not before {until} ({COOLDOWN})"
    of_week = sum(one > now - _WEEK for one in granted)
    if of_week >= options.per_week:
        return f"alarms started {of_week} trainings in the last 7 days ({PER_WEEK})"
    return None


def _read(connection: Connection, run_id: str) -> RetrainRequest | None:
    row = run(connection, "read_retrain_request", {"run": run_id}).fetchone()
    return RetrainRequest(*cast("Any", row)) if row else None


def _line(request: RetrainRequest | None) -> str:
    if request is None:
        return "no training is requested"
    verb = "requested" if request.granted else f"held back, as {request.decided_because}"
    return f"a training is {verb}: {request.reason}"
