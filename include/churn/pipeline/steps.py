"""The pipeline's steps. Each is a transaction, can run twice, and can be killed anywhere."""

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from churn.core.errors import DataQualityError, plain, plain_list
from churn.core.log_options import LogOptions
from churn.core.training_options import TrainingOptions
from churn.pipeline import deciding
from churn.pipeline.arrivals import find_new
from churn.registry import events, retention
from churn.registry.events import Kind
from churn.registry.model_registry import Operator
from churn.registry.retention import RetentionRule
from churn.registry.store import CARD, ModelStore
from churn.training.promotion import Decision, PromotionRule
from churn.training.recipe import STANDARD, Recipe
from churn.warehouse import schema
from churn.warehouse.cleaning.clean import clean as clean_load
from churn.warehouse.cleaning.gate import Terms
from churn.warehouse.cleaning.report import Report, read_report
from churn.warehouse.connect import Connection, placeholders, scalar, statement
from churn.warehouse.loading.folders import find_files, has_files, is_glob, left_out
from churn.warehouse.loading.load import Reading
from churn.warehouse.loading.load import load_csv as load
from churn.warehouse.loading.source import shown_path
from churn.warehouse.predictions.retention import drop_old_predictions

log = logging.getLogger(__name__)


def locate(file: str, data: Path, *, here: Path | None = None) -> Path:
    """Return the path of a file, folder or glob, named in full or relative to a folder.

    That folder is ``here``, where it is given, else the data folder; ``data/`` may stand in front.

    Raises:
        DataQualityError: naming the file and what the data folder has instead.
    """
    folders = [data, *([data.parent] if Path(file).parts[:1] == (data.name,) else [])]
    for candidate in (folder / file for folder in ([here] if here else []) + folders):
        if candidate.exists() or (is_glob(candidate) and has_files(candidate)):
            return candidate
    found = (
        plain_list(sorted(shown_path(Path(p.name)) for p in data.glob("*.csv*"))) or "no CSV file"
    )
    places = f"in the current directory or in {data}" if here else f"in {data}"
    raise DataQualityError(f"{plain(file)}: there is no such file {places}, which has {found}")


def create_tables(connection: Connection, options: LogOptions | None = None) -> None:
    """Create the tables that are missing; drop the months of the log that are not kept."""
    schema.create_tables(connection)
    log.info("tables are ready")
    if options and options.retention_months:
        for partition in drop_old_predictions(connection, options.retention_months):
            log.info("dropped %s", partition)


def load_csv(connection: Connection, path: Path, reading: Reading | None = None) -> list[int]:
    """Copy a customer file, or each of a folder or glob, into staging; return the loads."""
    files = find_files(path)
    if others := left_out(path):
        names = plain_list([shown_path(Path(other.name)) for other in others])
        log.info("not customer files by their names, and not loaded: %s", names)
    try:
        loads = [load(connection, file, reading) for file in files]
    except DataQualityError as error:
        if len(files) == 1:
            raise
        raise DataQualityError(f"{error}\nnone of the {len(files):,} files was loaded") from None
    for one in loads:
        if not one.repeats:
            log.info("load %s: %s rows in the staging table", one.load_id, f"{one.rows:,}")
    return [one.load_id for one in loads]


def load_new(
    connection: Connection, where: Path, reading: Reading | None = None, *, stopped: bool = False
) -> list[int]:
    """Load the files of a folder or glob that were not loaded yet, in the order of their days.

    A file that cannot be read does not keep the others from being loaded. Where there is no new
    file, that is logged. ``stopped`` also loads the files that the gate stopped before.

    Raises:
        DataQualityError: no new file can be read.
    """
    found = find_new(connection, where, again=bool(reading and reading.again), stopped=stopped)
    loads: list[int] = []
    refusals = [*found.refusals]
    for path in found.paths:
        try:
            with connection.transaction():
                loads += load_csv(connection, path, reading)
        except DataQualityError as error:
            refusals.append(str(error))
    if refusals and not loads:
        raise DataQualityError("\n".join(refusals))
    for refusal in refusals:
        log.warning("%s", refusal)
    if not loads:
        log.info("there is no new customer file in %s", where)
    return loads


def has_undecided(connection: Connection, store: ModelStore) -> bool:
    """Whether customers were accepted since a decision on a model, or ever if nothing serves."""
    values = {"has_versions": bool(store.versions())}
    return bool(scalar(connection, statement("has_undecided", **placeholders(values)), values))


def clean(
    connection: Connection,
    load_ids: Sequence[int],
    terms: Terms | None = None,
    *,
    tell: Callable[[str], None] | None = None,
) -> list[Report]:
    """Bring each load's valid rows into ``customers``, the others into ``rejected_rows``.

    Each load is a transaction of its own, so that a verdict is kept where the gate stops one.

    Raises:
        DataQualityError: the gate stopped a load; those before it stand.
    """
    if terms and terms.replace and len(load_ids) > 1:
        raise DataQualityError(
            "several files cannot each be the whole customer base; name the one that is"
        )
    reports: list[Report] = []
    for load_id in load_ids:
        report = clean_load(connection, load_id, terms)
        connection.commit()
        (tell or log.info)(report.text(values=tell is not None))
        _require_passed(connection, report, load_ids[len(reports) + 1 :])
        reports.append(report)
    return reports


def _require_passed(connection: Connection, report: Report, waiting: Sequence[int]) -> None:
    """Raise if the gate stopped a load, and name the loads that wait behind it.

    Raises:
        DataQualityError: with the whole report.
    """
    try:
        report.require_passed()
    except DataQualityError as error:
        if not waiting:
            raise
        names = plain_list([Path(read_report(connection, one).file).name for one in waiting])
        told = f"{error}\nnot looked at after that: {names}; load them again"
        raise DataQualityError(told) from None


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
            retention.discard(operator.store, version)
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
    retention_rule: RetentionRule | None = None,
) -> str:
    """Verify a candidate as the service will, put it in use and record it; return its name.

    Without a reason, it is the one of the last decision on it. Versions that nobody needs any
    more are then removed.
    """
    proposal = events.last_of(operator.connection, Kind.PROPOSED, version)
    decided = proposal.reason if proposal else "published by hand"
    details = {"decided_by": proposal.event_id} if proposal else {}
    operator.promote(version, reason or decided, **details)
    for gone in operator.retire(retention_rule or RetentionRule()):
        log.info("removed %s", gone)
    log.info("published %s", version)
    return version
