"""Incidents: alarms from the run that found them to the run that no longer did.

A run is as of a moment. A run as of an earlier moment than the last one that judged the same
condition changes nothing about it, so the order in which runs arrive does not matter for what is
open; the same run twice changes nothing.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

from psycopg.types.json import Jsonb

from churn.core.errors import ChurnError, plain
from churn.monitoring.alarm import Alarm, AlarmKind
from churn.warehouse.connect import Connection, placeholders, run, statement
from churn.warehouse.monitoring_tables import finite

_LONGEST: Final = 2_000
_MOST_OF_A_NOTE: Final = 1_000

Condition = tuple[AlarmKind, str]
"""What an incident is about: the kind of an alarm, and its subject."""


@dataclass(frozen=True)
class Incident:
    """A row of ``alarms``; it is open while it has no ``closed_at``.

    ``silenced_until`` is in the future, or None.
    """

    alarm_id: int
    kind: str
    subject: str
    model_version: str
    sentence: str
    figures: Mapping[str, float | None]
    asks_retrain: bool
    opened_at: datetime
    last_seen_at: datetime
    closed_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    note: str | None
    escalated_at: datetime | None
    silenced_until: datetime | None

    @property
    def is_open(self) -> bool:
        """Whether the last run that could judge it found it."""
        return self.closed_at is None


@dataclass(frozen=True)
class Changes:
    """What a run changed: the ids of incidents. ``unchanged`` are older than the last run."""

    opened: Sequence[int] = ()
    seen_again: Sequence[int] = ()
    closed: Sequence[int] = ()
    unchanged: Sequence[Condition] = field(default=())


def update_incidents(
    connection: Connection,
    found: Sequence[Alarm],
    judged: Collection[Condition],
    as_of: datetime,
) -> Changes:
    """Open incidents for the alarms found, and close those judged and not found.

    What is neither found nor judged (too few rows, say) stays as it is. Of two alarms about the
    same condition the first counts.

    Raises:
        ChurnError: ``as_of`` has no time zone.
    """
    moment = aware(as_of)
    alarms = {_condition(alarm): alarm for alarm in found[::-1]}
    connection.execute(statement("lock_alarms"))
    conditions = sorted({*alarms, *((kind.value, subject) for kind, subject in judged)})
    current = _note_judged(connection, conditions, moment)
    touched = [
        _open(connection, alarm, moment)
        for one, alarm in reversed(alarms.items())
        if one in current
    ]
    closed = _close(connection, [one for one in current if one not in alarms], moment)
    return Changes(
        opened=[alarm_id for alarm_id, is_new in touched if is_new],
        seen_again=[alarm_id for alarm_id, is_new in touched if not is_new],
        closed=closed,
        unchanged=[(AlarmKind(kind), s) for kind, s in conditions if (kind, s) not in current],
    )


def _condition(alarm: Alarm) -> tuple[str, str]:
    return alarm.kind.value, alarm.subject


def _pairs(conditions: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    return {"kinds": [kind for kind, _ in conditions], "subjects": [s for _, s in conditions]}


def _note_judged(
    connection: Connection, conditions: Sequence[tuple[str, str]], as_of: datetime
) -> Sequence[tuple[str, str]]:
    """Return the conditions that no run as of a later moment has judged."""
    values = {**_pairs(conditions), "as_of": as_of}
    rows = run(connection, "note_judged", values).fetchall()
    return sorted((str(kind), str(subject)) for kind, subject in rows)


def _open(connection: Connection, alarm: Alarm, as_of: datetime) -> tuple[int, bool]:
    values = {
        "kind": alarm.kind.value,
        "subject": alarm.subject,
        "model_version": alarm.model_version,
        "sentence": plain(alarm.sentence, _LONGEST),
        "figures": Jsonb(finite(alarm.figures)),
        "asks_retrain": alarm.asks_retrain,
        "as_of": as_of,
    }
    row = run(connection, "open_or_touch_alarm", values).fetchone()
    return cast("tuple[int, bool]", row)


def _close(
    connection: Connection, conditions: Sequence[tuple[str, str]], as_of: datetime
) -> Sequence[int]:
    rows = run(connection, "close_alarms", {**_pairs(conditions), "as_of": as_of}).fetchall()
    return sorted(cast(int, row[0]) for row in rows)


def read_incidents(
    connection: Connection,
    *,
    alarm_ids: Collection[int] | None = None,
    open_only: bool = False,
    now: datetime | None = None,
) -> Sequence[Incident]:
    """Return incidents, open ones first: all, those of the ids, or those that are open."""
    values = {
        "alarm_ids": None if alarm_ids is None else list(alarm_ids),
        "open_only": open_only,
        "now": now or datetime.now(UTC),
    }
    rows = connection.execute(statement("read_alarms", **placeholders(values)), values).fetchall()
    return [Incident(*cast("Any", row)) for row in rows]


def acknowledge(
    connection: Connection, alarm_id: int, by: str, note: str = "", *, now: datetime | None = None
) -> Incident:
    """Record that a person takes care of an open incident; it is not escalated from then on.

    Raises:
        ChurnError: there is no such incident, it is closed, or was acknowledged before.
    """
    moment = now or datetime.now(UTC)
    values = {
        "alarm_id": alarm_id,
        "now": moment,
        "who": plain(by),
        "note": plain(note, _MOST_OF_A_NOTE) or None,
    }
    changed = run(connection, "acknowledge_alarm", values).rowcount
    found = read_incidents(connection, alarm_ids=[alarm_id], now=moment)
    if not changed:
        raise ChurnError(_why_not(alarm_id, found))
    return found[0]


def _why_not(alarm_id: int, found: Sequence[Incident]) -> str:
    if not found:
        return f"there is no alarm {alarm_id}; `churn alarms list` shows those that are open"
    one = found[0]
    if one.closed_at:
        return f"alarm {alarm_id} was closed at {shown(one.closed_at)} already"
    return (
        f"alarm {alarm_id} was acknowledged by {one.acknowledged_by} "
        f"at {shown(one.acknowledged_at)} already"
    )


def silence(
    connection: Connection,
    until: datetime,
    by: str,
    *,
    kind: AlarmKind | None = None,
    subject: str | None = None,
) -> None:
    """Send no messages about a kind and a subject, or any, until a moment.

    Incidents are recorded all the same. What is still open then is reported then.

    Raises:
        ChurnError: the moment is past, or has no time zone.
    """
    if aware(until) <= datetime.now(UTC):
        raise ChurnError(f"{shown(until)} is past; name a later day")
    values = {"kind": kind.value if kind else None, "subject": subject, "until": until}
    run(connection, "insert_silence", {**values, "who": plain(by)})


def escalate(connection: Connection, hours: float, *, now: datetime | None = None) -> Sequence[int]:
    """Mark the open incidents that were not acknowledged in time; return their ids."""
    moment = now or datetime.now(UTC)
    values = {"now": moment, "before": moment - timedelta(hours=hours)}
    return sorted(cast(int, row[0]) for row in run(connection, "escalate_alarms", values))


def aware(moment: datetime) -> datetime:
    """Return a moment.

    Raises:
        ChurnError: it has no time zone, so it is no moment.
    """
    if moment.tzinfo is None:
        raise ChurnError(f"{moment} has no time zone; write it as 2026-11-30T02:00Z")
    return moment


def shown(moment: datetime | None) -> str:
    """Return a moment as messages show it: to the minute, in UTC; empty for none."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if moment else ""
