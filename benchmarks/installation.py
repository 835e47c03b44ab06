"""An installation to measure: a database of its own with the tables, a store with one version."""

import secrets
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from benchmarks.scoring import customers
from churn.customer.description import Customer
from churn.pipeline import packing
from churn.pipeline.packing import Package
from churn.registry.store import ModelStore
from churn.training import fitted
from churn.training.compiling import block_of_frame
from churn.warehouse.connect import connect
from churn.warehouse.customers import Snapshot
from churn.warehouse.schema import create_tables
from local import databases, postgres
from local.databases import PIPELINE, SERVING, Database
from local.network import free_port


@dataclass(frozen=True)
class Installation:
    """Where everything is; ``rows`` are customers with canonical values."""

    home: Path
    store: ModelStore
    package: Package
    rows: Sequence[Customer]
    url: str
    serving_url: str

    @property
    def environment(self) -> Mapping[str, str]:
        """What the service is told."""
        return {"CHURN_HOME": str(self.home), "CHURN_DATABASE_URL": self.serving_url}

    def publish(self, number: int) -> str:
        """Put the same model in use under another name."""
        manifest = self.package.manifest
        moment = manifest.created_at + timedelta(seconds=number)
        version = f"{moment:%Y%m%dT%H%M%SZ}-{manifest.fingerprint[:8]}"
        renamed = manifest.model_copy(update={"version": version, "created_at": moment})
        self.store.write_candidate(renamed, self.package.files)
        self.store.publish(version)
        return version

    def logged(self) -> int:
        """Return how many predictions are in the log."""
        with connect(self.url) as connection:
            row = connection.execute("SELECT count(*) FROM prediction_logs").fetchone()
        return int(str(row[0])) if row else 0


@contextmanager
def installed() -> Iterator[Installation]:
    """Make one for the length of a block, with PostgreSQL as durable as in production."""
    password = secrets.token_urlsafe(12)
    with tempfile.TemporaryDirectory(prefix="churn-bench-") as folder:
        home = Path(folder)
        server = postgres.server(data=home / "data", port=free_port(), password=password)
        with postgres.running(server):
            databases.prepare(server.url(), {PIPELINE: password, SERVING: password}, ())
            with psycopg.connect(server.url(), autocommit=True) as connection:
                database = Database(name="bench", owner=PIPELINE, guests=(SERVING,))
                databases.create_database(connection, database)
            url = server.url("bench", role=PIPELINE, password=password)
            with connect(url) as tables:
                create_tables(tables)
            yield _published(home, url, server.url("bench", role=SERVING, password=password))


def _published(home: Path, url: str, serving_url: str) -> Installation:
    frame = customers()
    data = Snapshot(load_id=1, customers=len(frame), fingerprint="0" * 64)
    package = packing.pack(fitted.train_frame(frame), data=data, now=datetime.now(UTC))
    store = ModelStore(home / "models")
    (home / "model.joblib").write_bytes(package.files["model.joblib"])
    rows = block_of_frame(frame.head(500)).customers()
    made = Installation(home, store, package, rows, url, serving_url)
    made.publish(0)
    return made
