"""The pipeline's steps. Each is a transaction, can run twice, and can be killed anywhere."""

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

from churn import scoring
from churn.errors import DataQualityError
from churn.registry import ledger
from churn.registry.store import ModelStore
from churn.warehouse import clean as cleaning
from churn.warehouse import load as loading
from churn.warehouse import schema
from churn.warehouse.connect import Connection

log = logging.getLogger(__name__)


def locate(file: str, data: Path) -> Path:
    """Return the path of a file named in full, or relative to the data folder or its parent.

    Raises:
        DataQualityError: naming the file and what the data folder has instead.
    """
    for candidate in (data / file, data.parent / file):
        if candidate.is_file():
            return candidate
    found = ", ".join(sorted(p.name for p in data.glob("*.csv"))) or "no CSV file"
    raise DataQualityError(f"{file}: there is no such file in {data}, which has {found}")


def create_tables(connection: Connection) -> None:
    """Create the tables that are missing."""
    schema.create_tables(connection)
    log.info("tables are ready")


def load_csv(connection: Connection, path: Path) -> int:
    """Copy a customer file into its staging table; return the load's number."""
    load = loading.load_csv(connection, path)
    log.info("load %s: %s rows from %s", load.load_id, f"{load.rows:,}", path)
    if load.extra_columns:
        log.warning("columns that are not used: %s", ", ".join(load.extra_columns))
    return load.load_id


def clean(connection: Connection, load_id: int, *, replace: bool = False) -> cleaning.Cleaned:
    """Bring the load's valid rows into ``customers``, the others into ``rejected_rows``."""
    cleaned = cleaning.clean(connection, load_id, replace=replace)
    log.info("%s", cleaned)
    return cleaned


def train(connection: Connection, store: ModelStore, *, now: datetime | None = None) -> str:
    """Train on the customers and write a candidate version; return its name."""
    from churn import packing
    from churn.model import training
    from churn.warehouse import customers

    load_id = customers.latest_load(connection)
    frame = customers.read_customers(connection)
    log.info("training on %s customers", f"{len(frame):,}")
    trained = training.train(frame)
    moment = now or datetime.now(UTC)
    package = packing.pack(trained, frame, load_id=load_id, now=moment)
    while store.has(package.manifest.version):  # of another run in the same second
        moment += timedelta(seconds=1)
        package = packing.pack(trained, frame, load_id=load_id, now=moment)
    store.write_candidate(package.manifest, package.files)
    log.info("candidate %s\n%s", package.manifest.version, package.files["card.md"].decode())
    return package.manifest.version


def publish(connection: Connection, store: ModelStore, version: str) -> str:
    """Verify a candidate as the service will, put it in use and record it; return its name."""
    published = store.published(version)
    scoring.load_model(published if published.exists() else store.candidate(version))
    store.publish(version)
    store.discard_candidates()
    ledger.record_versions(connection, store)
    log.info("published %s", version)
    return version
