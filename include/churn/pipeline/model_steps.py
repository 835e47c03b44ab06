"""The pipeline's steps on models. Each can run twice, and can be killed anywhere."""

import logging
from datetime import UTC, datetime

from churn.core.training_options import TrainingOptions
from churn.model.recipe import STANDARD, Recipe
from churn.pipeline import champion_challenger
from churn.registry import events, retention
from churn.registry.events import EventKind
from churn.registry.model_registry import ModelRegistry
from churn.registry.retention import RetentionRule
from churn.registry.store import CARD, ModelStore
from churn.training.promotion import Decision, PromotionRule
from churn.warehouse.connect import Connection, placeholders, scalar, statement

log = logging.getLogger(__name__)


def has_undecided(connection: Connection, store: ModelStore) -> bool:
    """Whether customers were accepted since a decision on a model, or ever if nothing serves."""
    values = {"has_versions": bool(store.versions())}
    return bool(scalar(connection, statement("has_undecided", **placeholders(values)), values))


def train(
    connection: Connection,
    store: ModelStore,
    options: TrainingOptions | None = None,
    recipe: Recipe = STANDARD,
) -> str:
    """Train on the customers and write a candidate version; return its name."""
    from churn.pipeline import packing
    from churn.training import fitted
    from churn.warehouse import customers

    customers.begin_snapshot(connection)
    data = customers.take_snapshot(connection, customers.latest_load(connection))
    chosen = options or TrainingOptions()
    read = fitted.read_training_set(connection, chosen, recipe=recipe)
    trained = fitted.train(read, chosen)
    moment = packing.free_moment(store, trained, datetime.now(UTC))
    package = packing.pack(trained, data=data, now=moment)
    events.lock(connection)  # who has it clears half-written candidates away
    store.write_candidate(package.manifest, package.files)
    log.info("candidate %s\n%s", package.manifest.version, package.files[CARD].decode())
    return package.manifest.version


def decide(
    registry: ModelRegistry,
    version: str,
    rule: PromotionRule,
    *,
    dry_run: bool = False,
    requested_because: str | None = None,
) -> Decision:
    """Decide whether a candidate takes over and record why; publish nothing.

    A candidate that is what serves already is discarded. A dry run records nothing.
    ``requested_because`` is why the training was requested, if alarms did so; it is recorded too.
    """
    decision = champion_challenger.decide(registry.connection, registry.store, version, rule)
    log.info("%s: %s", version, decision.reason)
    if not dry_run:
        kind = EventKind.PROPOSED if decision.promote else EventKind.KEPT
        details: dict[str, object] = {"numbers": dict(decision.numbers)}
        reason = decision.reason
        if requested_because:
            details["requested_because"] = requested_because
            reason = f"{reason}; the training was requested by {requested_because}"
        registry.record(kind, version, reason, **details)
        if decision.unchanged:
            retention.discard(registry.store, version)
    return decision


def decline(registry: ModelRegistry, version: str, reason: str) -> None:
    """Record that a person did not let a candidate take over."""
    registry.record(EventKind.DECLINED, version, reason)
    log.info("%s is not published: %s", version, reason)


def explain(registry: ModelRegistry, version: str) -> str:
    """Return what a person wants to read before a candidate takes over, in Markdown."""
    proposal = events.last_of(registry.connection, EventKind.PROPOSED, version)
    reason = proposal.reason if proposal else "nothing was decided about it"
    card = registry.store.read(version).files[CARD].decode()
    return f"**{version}** {reason}.\n\n{card}"


def publish(
    registry: ModelRegistry,
    version: str,
    *,
    reason: str | None = None,
    retention_rule: RetentionRule | None = None,
) -> str:
    """Verify a candidate as the service will, promote it and record it; return its name.

    Without a reason, it is the one of the last decision on it. Versions that the retention
    rule does not keep are then removed.
    """
    proposal = events.last_of(registry.connection, EventKind.PROPOSED, version)
    decided = proposal.reason if proposal else "published by hand"
    details = {"decided_by": proposal.event_id} if proposal else {}
    registry.promote(version, reason or decided, **details)
    for gone in registry.retire(retention_rule or RetentionRule()):
        log.info("removed %s", gone)
    log.info("published %s", version)
    return version
