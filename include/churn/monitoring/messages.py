"""What is written about incidents: titles and sentences in plain text."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from churn.core.errors import plain
from churn.monitoring.alerts import Message, Urgency
from churn.monitoring.incidents import Incident, shown

_MOST: Final = 20
_MOST_FIGURES: Final = 12


class Event(StrEnum):
    """What happened to an incident, so that a message is due."""

    OPENED = "opened"
    ESCALATED = "escalated"
    CLOSED = "closed"


_URGENCY: Final = {
    Event.OPENED: Urgency.WARNING,
    Event.ESCALATED: Urgency.FAILURE,
    Event.CLOSED: Urgency.SUCCESS,
}
_TITLES: Final = {
    Event.OPENED: "Churn alarm",
    Event.ESCALATED: "Churn alarm not acknowledged",
    Event.CLOSED: "Churn alarm closed",
}


@dataclass(frozen=True)
class Due:
    """An incident, and what is to be written about it."""

    event: Event
    incident: Incident


def message(due: Sequence[Due], link: str = "", picture: bytes | None = None) -> Message:
    """Return one message about one or several incidents."""
    ordered = sorted(due, key=lambda one: list(_TITLES).index(one.event))
    parts = [_section(one) for one in ordered[:_MOST]]
    if left := len(ordered) - len(parts):
        parts.append(f"and {left:,} more: churn alarms list")
    body = "\n\n".join([*parts, *([link] if link else [])])
    urgency = max((_URGENCY[one.event] for one in ordered), key=list(Urgency).index)
    return Message(_title(ordered), body, urgency, picture)


def _title(due: Sequence[Due]) -> str:
    if len(due) == 1:
        return f"{_TITLES[due[0].event]}: {_about(due[0].incident)}"
    counts = {event: sum(one.event is event for one in due) for event in Event}
    return f"Churn alarms: {', '.join(f'{n} {event}' for event, n in counts.items() if n)}"


def _about(incident: Incident) -> str:
    return f"{incident.kind}, {plain(incident.subject)}"


def _section(due: Due) -> str:
    one = due.incident
    lines = [
        f"{due.event.upper()}: alarm {one.alarm_id}, {_about(one)}, model {one.model_version}",
        one.sentence,
        figures(one),
        _when(due),
        "" if due.event is Event.CLOSED else f"churn alarms acknowledge {one.alarm_id}",
    ]
    return "\n".join(line for line in lines if line)


def _when(due: Due) -> str:
    one = due.incident
    if due.event is Event.CLOSED:
        return f"open from {shown(one.opened_at)} to {shown(one.closed_at)}"
    return f"open since {shown(one.opened_at)}"


def figures(incident: Incident) -> str:
    """Return the figures of an incident in one line."""
    listed = list(incident.figures.items())[:_MOST_FIGURES]
    return ", ".join(f"{name} {'?' if one is None else f'{one:.6g}'}" for name, one in listed)
