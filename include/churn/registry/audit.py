"""Recomputes the chain of ``model_events`` and names the first row that is not as it was."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from churn.core import whole_files
from churn.core.errors import ModelRefusedError
from churn.registry import files, identity
from churn.registry.events import GENESIS, Event, hash_of, last_change, read_events
from churn.registry.served import SHA256
from churn.registry.store import ModelStore
from churn.warehouse.connect import Connection
from churn.warehouse.schema import is_guarded

_ANCHOR: Final = "EVENTS"


@dataclass(frozen=True)
class Audit:
    """How many events hold, and what is wrong after them; ``trouble`` is empty if nothing is."""

    events: int
    trouble: str = ""


def audit(connection: Connection, store: ModelStore) -> Audit:
    """Check the chain, the last event that the model store saw, the trigger, and what serves."""
    chain = audit_chain(read_events(connection), anchor=_read_anchor(store))
    if chain.trouble:
        return chain
    if not is_guarded(connection):
        return Audit(chain.events, "the trigger that refuses changes is disabled, altered or gone")
    return Audit(chain.events, _trouble_served(connection, store))


def audit_chain(events: Iterable[Event], *, anchor: tuple[int, str] | None) -> Audit:
    """Recompute the hashes; ``anchor`` is an event, id and hash, that the chain must have.

    The anchor is kept outside the database: without it, events cut off the end, or a chain that
    was computed anew from some row on, would not show.
    """
    former, count = GENESIS, 0
    for event in events:
        trouble = _trouble(event, count + 1, former)
        if not trouble and anchor and event.event_id == anchor[0] and event.hash != anchor[1]:
            trouble = "it is not the event that the model store remembers"
        if trouble:
            return Audit(count, f"event {event.event_id} ({event.kind} {event.version}): {trouble}")
        former, count = event.hash, event.event_id
    if anchor and count < anchor[0]:
        return Audit(count, f"event {count + 1} is gone: the model store remembers {anchor[0]}")
    return Audit(count)


def anchor_last(store: ModelStore, event: Event) -> None:
    """Keep an event's id and hash in the model store, outside the database's reach."""
    known = _read_anchor(store)
    if known and known[0] >= event.event_id:
        return
    whole_files.replace(_anchor(store), f"{event.event_id} {event.hash}\n".encode())


def _trouble(event: Event, expected: int, former: str) -> str:
    if event.event_id != expected:
        return f"event {expected} is gone"
    if event.former_hash != former:
        return "it does not follow the event before it"
    if event.hash != hash_of(event):
        return "its content is not what was recorded"
    return ""


def _trouble_served(connection: Connection, store: ModelStore) -> str:
    """Return what is wrong with what serves, every file of it, as against the record."""
    last = last_change(connection)
    if last is None:
        return "a version is live and no event records it" if store.pointer.exists() else ""
    current = store.current()
    if current != last.version:
        return f"{current} serves, and by event {last.event_id} it should be {last.version}"
    found = (_trouble_of(connection, store, one) for one in (current, *store.versions()))
    return next(filter(None, found), store.damage())


def _trouble_of(connection: Connection, store: ModelStore, version: str) -> str:
    try:
        return identity.difference(connection, store.read(version))
    except ModelRefusedError as error:
        return f"{version} is published and is not sound: {error}"


def _anchor(store: ModelStore) -> Path:
    return store.path / _ANCHOR


def _read_anchor(store: ModelStore) -> tuple[int, str] | None:
    path = _anchor(store)
    if not path.exists():
        return None
    found = re.fullmatch(rf"([1-9]\d*) ({SHA256})\n", files.read(path).decode(errors="replace"))
    if not found:
        raise ModelRefusedError(f"{path} does not hold an event's number and hash")
    return int(found[1]), found[2]
