"""The pipeline's steps. Each is a transaction, can run twice, and can be killed anywhere."""

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from churn import deciding
from churn.changes import Operator
from churn.errors import DataQualityError
from churn.log_options import LogOptions
from churn.options import TrainingOptions
from churn.registry import events, housekeeping
from churn.registry.events import Kind
from churn.registry.housekeeping import RetentionRule
from churn.registry.promotion import Decision, PromotionRule
from churn.registry.store import CARD, ModelStore
from churn.warehouse import schema
from churn.warehouse.clean import clean as clean_load
from churn.warehouse.connect import Connection
from churn.warehouse.gate import LIMIT_REJECTED
from churn.warehouse.load import Reading
from churn.warehouse.load import load_csv as load
from churn.warehouse.log_retention import drop_old_predictions
from churn.warehouse.report import Report
from churn.warehouse.source import find_files, has_files, is_glob

log = logging.getLogger(__name__)


def locate(file: str, data: Path) -> Path:
    """Return the path of a file, folder or glob, named in full or from the data folder.

    Raises:
        DataQualityError: naming the file and what the data folder has instead.
    """
    for candidate in (data / file, data.parent / file):
        if candidate.exists() or (is_glob(candidate) and has_files(candidate)):
            return candidate
    found = ", ".join(sorted(p.name for p in data.glob("*.csv*"))) or "no CSV file"
    raise DataQualityError(f"{file}: there is no such file in {data}, which has {found}")


def create_tables(connection: Connection, options: LogOptions | None = None) -> None:
    """Create the tables that are missing; drop the months of the log that are not kept."""
    schema.create_tables(connection)
    log.info("tables are ready")
    if options and options.retention_months:
        for partition in drop_old_predictions(connection, options.retention_months):
            log.info("dropped %s", partition)


def load_csv(connection: Connection, path: Path, reading: Reading | None = None) -> list[int]:
    """Copy a customer file, or each of a folder or glob, into staging; return the loads."""
    loads = [load(connection, file, reading) for file in find_files(path)]
    for one in loads:
        if not one.repeats:
            log.info("load %s: %s rows in the staging table", one.load_id, f"{one.rows:,}")
    return [one.load_id for one in loads]


def clean(
    connection: Connection,
    load_ids: Sequence[int],
    *,
    replace: bool = False,
    limit_rejected: float = LIMIT_REJECTED,
    tell: Callable[[str], None] | None = None,
) -> list[Report]:
    """Bring each load's valid rows into ``customers``, the others into ``rejected_rows``.

    Each load is a transaction of its own, so that a verdict is kept where the gate stops one.

    Raises:
        DataQualityError: the gate stopped a load; those before it stand.
    """
    if replace and len(load_ids) > 1:
        raise DataQualityError("several files cannot each be the whole customer base")
    reports = []
    for load_id in load_ids:
        report = clean_load(connection, load_id, replace=replace, limit_rejected=limit_rejected)
        connection.commit()
        (tell or log.info)(report.text(values=tell is not None))
        report.require_passed()
        reports.append(report)
    return reports


def train(
    connection: Connection,
    store: ModelStore,
    options: TrainingOptions | None = None,
) -> str:
    """Train on the customers and write a candidate version; return its name."""
    from churn import packing, training
    from churn.warehouse import customers

    customers.begin_snapshot(connection)
    data = customers.take_snapshot(connection, customers.latest_load(connection))
    chosen = options or TrainingOptions()
    trained = training.train_on(training.read_data(connection, chosen), chosen)
    moment = packing.free_moment(store, trained, datetime.now(UTC))
    package = packing.pack(trained, data=data, now=moment)
    events.lock(connection)  # who has it clears half-written candidates away
    store.write_candidate(package.manifest, package.files)
    log.info("candidate %s\n%s", package.manifest.version, package.files[CARD].decode())
    return package.manifest.version


def decide(
    operator: Operator, version: str, rule: PromotionRule, *, dry_run: bool = False
) -> Decision:
    """Decide whether a candidate takes over, say why, and record it; publish nothing.

    A candidate that is what serves already is discarded. A dry run records nothing.
    """
    decision = deciding.decide(operator.connection, operator.store, version, rule)
    log.info("%s: %s", version, decision.reason)
    if not dry_run:
        kind = Kind.PROPOSED if decision.promote else Kind.KEPT
        operator.record(kind, version, decision.reason, numbers=dict(decision.numbers))
        if decision.unchanged:
            housekeeping.discard(operator.store, version)
    return decision


def decline(operator: Operator, version: str, reason: str) -> None:
    """Record that a person did not let a candidate take over."""
    operator.record(Kind.DECLINED, version, reason)
    log.info("%s is not published: %s", version, reason)


def explain(operator: Operator, version: str) -> str:
    """Return what a person wants to read before a candidate takes over, in Markdown."""
    proposal = events.last_of(operator.connection, Kind.PROPOSED, version)
    reason = proposal.reason if proposal else "nothing was decided about it"
    card = operator.store.read(version).files[CARD].decode()
    return f"**{version}** {reason}.\n\n{card}"


def publish(
    operator: Operator,
    version: str,
    *,
    reason: str | None = None,
    retention: RetentionRule | None = None,
) -> str:
    """Verify a candidate as the service will, put it in use and record it; return its name.

    Without a reason, it is the one of the last decision on it. Versions that nobody needs any
    more are then removed.
    """
    proposal = events.last_of(operator.connection, Kind.PROPOSED, version)
    decided = proposal.reason if proposal else "published by hand"
    details = {"decided_by": proposal.event_id} if proposal else {}
    operator.promote(version, reason or decided, **details)
    for gone in operator.retire(retention or RetentionRule()):
        log.info("removed %s", gone)
    log.info("published %s", version)
    return version
