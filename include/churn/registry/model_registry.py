"""Changes what is served, each change verified first, recorded, and safe to be killed anywhere.

The event is added, the pointer replaced, and only then the event committed: a writer killed
between the last two leaves a changed pointer without an event, which the next writer finds and
records as *reconciled*. All of it happens under one lock, so changes come one after the other.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from churn.core.errors import ChurnError, ModelRefusedError, NoModelError
from churn.registry import audit, events, identity, ledger, loaded_model, retention
from churn.registry.events import Entry, Event, EventKind
from churn.registry.retention import RetentionRule
from churn.registry.store import ModelStore, read_version
from churn.warehouse.connect import Connection

log = logging.getLogger(__name__)
_UNRECORDED = "a writer was killed before it could record that, or it was done by hand"


@dataclass(frozen=True)
class ModelRegistry:
    """Who changes which store and its record. ``actor`` is a person, or a run of Airflow."""

    connection: Connection
    store: ModelStore
    actor: str

    def promote(self, version: str, reason: str, **details: object) -> Event | None:
        """Make a version or a candidate live; ``None`` where it is live already.

        Raises:
            ModelRefusedError: the version fails a check; the live one stays.
        """
        return self._make_live(EventKind.PROMOTED, version, reason, details)

    def roll_back(self, reason: str, *, to: str | None = None) -> Event | None:
        """Make an earlier version live: the named one, or the one that served before.

        A version that was rolled back is skipped, unless it is named.

        Raises:
            NoModelError: no such version served before.
        """
        self.begin()
        return self._make_live(EventKind.ROLLED_BACK, to or self._before(), reason, {})

    def record(self, kind: EventKind, version: str, reason: str, **details: object) -> Event:
        """Record a decision that changes nothing by itself."""
        self.begin()
        former = current_or_none(self.store)
        return self._add(Entry(kind, version, self.actor, reason, former, details))

    def pin(self, version: str, reason: str) -> Event:
        """Never let retention remove a published version."""
        loaded_model.load_published(self.store, version)
        self.begin()
        event = self._added(Entry(EventKind.PINNED, version, self.actor, reason))
        retention.pin(self.store, version, reason)
        return self._commit(event)

    def unpin(self, version: str, reason: str) -> Event:
        """Let retention remove a version when its time comes."""
        if version not in retention.pinned(self.store):
            raise ChurnError(f"{version} is not pinned")
        self.begin()
        event = self._added(Entry(EventKind.UNPINNED, version, self.actor, reason))
        retention.unpin(self.store, version)
        return self._commit(event)

    def retire(self, rule: RetentionRule, *, now: datetime | None = None) -> tuple[str, ...]:
        """Remove the versions that the rule lets go; return them."""
        self.begin()
        gone = retention.expendable(
            rule,
            versions=self.store.versions(),
            served=self.store.served(),
            pinned={*retention.pinned(self.store), current_or_none(self.store)},
            now=now or datetime.now(UTC),
        )
        reason = f"neither of the newest {rule.newest} nor served in the last {rule.served_days} d"
        for version in gone:
            event = self._added(Entry(EventKind.RETIRED, version, self.actor, reason))
            retention.retire(self.store, version)
            self._commit(event)
            self.begin()
        return gone

    def begin(self) -> None:
        """Take the lock, clear up after killed writers, and record what they could not."""
        events.lock(self.connection)
        retention.tidy(self.store)
        ledger.record_versions(self.connection, self.store)
        self._reconcile()

    def _make_live(
        self, kind: EventKind, version: str, reason: str, details: Mapping[str, object]
    ) -> Event | None:
        self.begin()
        former = current_or_none(self.store)
        # Not the store's own hashes but the record in the database decides what is promoted.
        content = read_version(self.store.folder(version))
        loaded_model.load_version(content)
        if differs := identity.difference(self.connection, content):
            raise ModelRefusedError(differs)
        if version == former:
            return None
        details_and_hash = {**details, "manifest_sha256": content.manifest_sha256}
        event = self._added(Entry(kind, version, self.actor, reason, former, details_and_hash))
        self.store.publish(version, content.manifest_sha256)
        ledger.record_versions(self.connection, self.store)
        log.info("%s serves: %s", version, reason)
        return self._commit(event)

    def _before(self) -> str:
        current, published = current_or_none(self.store), self.store.versions()
        order = events.rollback_order(self.connection)
        earlier = [one for one in order if one != current and one in published]
        if not earlier:
            raise NoModelError(
                "no other version served before, or all were rolled back; name one with --to"
            )
        return earlier[-1]

    def _reconcile(self) -> None:
        """Record changes that have no event: a writer was killed, or a person changed the store."""
        self._reconcile_served()
        recorded = events.pinned(self.connection)
        pinned = retention.pinned(self.store)
        found = {
            EventKind.RETIRED: ledger.gone(self.connection, self.store),
            EventKind.PINNED: pinned - recorded,
            EventKind.UNPINNED: recorded - pinned,
        }
        for kind, versions in found.items():
            for version in sorted(versions):
                self._add(Entry(kind, version, self.actor, f"found so; {_UNRECORDED}"))

    def _reconcile_served(self) -> None:
        current, last = current_or_none(self.store), events.last_change(self.connection)
        if not current:
            return
        self.store.note_served()
        recorded = last.version if last else None
        if current != recorded:
            reason = (
                f"CURRENT names it and the record ended with {recorded or 'nothing'}; {_UNRECORDED}"
            )
            since = self.store.live_since()
            log.warning("%s: %s", current, reason)
            self._add(Entry(EventKind.RECONCILED, current, self.actor, reason, recorded, {}, since))

    def _add(self, entry: Entry) -> Event:
        return self._commit(self._added(entry))

    def _added(self, entry: Entry) -> Event:
        return events.append(self.connection, entry)

    def _commit(self, event: Event) -> Event:
        self.connection.commit()
        events.lock(self.connection)  # its holder clears up, temporary files included
        audit.anchor_last(self.store, event)
        return event


def current_or_none(store: ModelStore) -> str | None:
    """Return the live version; ``None`` where there is none, or the pointer is invalid."""
    try:
        return store.current()
    except (NoModelError, ModelRefusedError):
        return None
