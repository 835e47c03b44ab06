"""The picture of a message: which alarms were open when, in the last months."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from churn.core.errors import plain
from churn.monitoring.incidents import Incident

_DAYS: Final = timedelta(days=90)
_MOST: Final = 12
_SHORTEST: Final = timedelta(hours=12)
"""A bar of this length can still be seen."""


def draw(incidents: Sequence[Incident], now: datetime) -> bytes:
    """Return a PNG with a bar per incident, from its opening to its closing or ``now``."""
    from churn.training.report.canvas import BLUE, ORANGE, canvas, png

    start = now.astimezone(UTC) - _DAYS
    shown = [one for one in incidents if _end(one, now) >= start]
    names = list(dict.fromkeys(_name(one) for one in shown))[:_MOST]
    picture, (axes,) = canvas(size=(9.0, 1.6 + 0.4 * len(names)))
    for one in shown:
        if _name(one) in names:
            begin, end = max(one.opened_at, start), max(_end(one, now), one.opened_at + _SHORTEST)
            colour = ORANGE if one.is_open else BLUE
            axes.barh(names.index(_name(one)), end - begin, left=begin, height=0.5, color=colour)  # type: ignore[arg-type]
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xlim(start, now + _SHORTEST)  # type: ignore[arg-type]
    axes.set_title("Alarms of the last 90 days (UTC); open ones in orange", loc="left")
    return png(picture)


def _name(incident: Incident) -> str:
    return plain(f"{incident.kind}: {incident.subject}", 40)


def _end(incident: Incident, now: datetime) -> datetime:
    return incident.closed_at or now
