"""The record of every change of what is served: append-only and chained by hashes.

Each row's hash covers its canonical JSON (RFC 8785 in spirit: sorted keys, no spaces) and the hash
of the row before (Haber & Stornetta, How to time-stamp a digital document, 1991, section 5.1), so
a changed, removed or inserted row breaks every hash after it.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, cast

from psycopg import sql
from psycopg.types.json import Jsonb

from churn.core.errors import WarehouseError
from churn.warehouse.connect import Connection, placeholders, statement

GENESIS: Final = "0" * 64
_AT_ONCE: Final = 1_000


class EventKind(StrEnum):
    """What happened to a version."""

    PROPOSED = "proposed"
    KEPT = "kept"
    DECLINED = "declined"
    PROMOTED = "promoted"
    ROLLED_BACK = "rolled back"
    RECONCILED = "reconciled"
    PINNED = "pinned"
    UNPINNED = "unpinned"
    RETIRED = "retired"


CHANGES_SERVED: Final = frozenset({EventKind.PROMOTED, EventKind.ROLLED_BACK, EventKind.RECONCILED})
_PINS: Final = frozenset({EventKind.PINNED, EventKind.UNPINNED})


@dataclass(frozen=True)
class Entry:
    """What is to be recorded. ``effective_at`` is given where it was before the recording."""

    kind: EventKind
    version: str
    actor: str
    reason: str
    former: str | None = None
    details: Mapping[str, object] = field(default_factory=dict)
    effective_at: datetime | None = None


@dataclass(frozen=True)
class Event:
    """A row of ``model_events``."""

    event_id: int
    happened_at: datetime
    effective_at: datetime
    kind: str
    version: str
    former: str | None
    actor: str
    database_role: str
    reason: str
    details: Mapping[str, object]
    former_hash: str
    hash: str


def lock(connection: Connection) -> None:
    """Let no other process change what is served until this transaction ends."""
    connection.execute(statement("lock_models"))


def append(connection: Connection, entry: Entry) -> Event:
    """Add an event to the chain; writers take turns, so that the chain cannot fork."""
    lock(connection)
    event_id, former_hash, now, role = _last(connection)
    unsigned = Event(
        event_id + 1,
        now,
        entry.effective_at or now,
        entry.kind.value,
        entry.version,
        entry.former,
        entry.actor,
        role,
        entry.reason,
        entry.details,
        former_hash,
        "",
    )
    event = replace(unsigned, hash=hash_of(unsigned))
    bound = {**vars(event), "details": Jsonb(event.details)}
    connection.execute(statement("insert_model_event", **placeholders(bound)), bound)
    return event


def hash_of(event: Event) -> str:
    """Return the hash of an event's content, which has the hash of the event before."""
    content = {name: _canonical(value) for name, value in vars(event).items() if name != "hash"}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def read_events(connection: Connection) -> Iterator[Event]:
    """Yield every event, oldest first."""
    with connection.cursor("model_events") as cursor:
        cursor.itersize = _AT_ONCE
        for row in cursor.execute(statement("read_model_events")):
            yield Event(*row)  # type: ignore[arg-type]


def served_at(connection: Connection, moment: datetime) -> Event | None:
    """Return the event by which a version served at a moment, ``None`` where nothing did yet."""
    changes = (event for event in read_events(connection) if event.kind in CHANGES_SERVED)
    before = [event for event in changes if event.effective_at <= moment]
    return max(before, key=lambda event: (event.effective_at, event.event_id), default=None)


def last_change(connection: Connection) -> Event | None:
    """Return the last event that changed what is served."""
    changes = [event for event in read_events(connection) if event.kind in CHANGES_SERVED]
    return changes[-1] if changes else None


def rollback_order(connection: Connection) -> tuple[str, ...]:
    """Return the versions that a rollback may return to, the latest last; the live one ends them.

    A rollback removes the version it leaves and all that served after the version it returns to,
    until they are promoted again.
    """
    order: list[str] = []
    for event in read_events(connection):
        if event.kind not in CHANGES_SERVED:
            continue
        if event.kind == EventKind.PROMOTED:
            order = [version for version in order if version != event.version]
        elif event.version in order:  # a rollback, or a pointer found on an earlier version
            order = order[: order.index(event.version)]
        elif event.kind == EventKind.ROLLED_BACK:
            order = [version for version in order if version != event.former]
        order.append(event.version)
    return tuple(order)


def last_of(connection: Connection, kind: EventKind, version: str) -> Event | None:
    """Return the last event of a kind about a version."""
    found = [e for e in read_events(connection) if (e.kind, e.version) == (kind, version)]
    return found[-1] if found else None


def pinned(connection: Connection) -> frozenset[str]:
    """Return the versions that are pinned by the record."""
    last = {e.version: e.kind for e in read_events(connection) if e.kind in _PINS}
    return frozenset(version for version, kind in last.items() if kind == EventKind.PINNED)


def _last(connection: Connection) -> tuple[int, str, datetime, str]:
    query = statement("read_last_model_event", genesis=sql.Literal(GENESIS))
    row = connection.execute(query).fetchone()
    if row is None:
        raise WarehouseError("the last model event cannot be read")
    return cast("tuple[int, str, datetime, str]", row)


def _canonical(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return value
