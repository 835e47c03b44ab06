"""50,000 predictions while the database and the workers are stopped and killed; then we count."""

import secrets
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from churn.registry.store import ModelStore
from churn.warehouse.connect import connect
from churn.warehouse.predictions import spool
from churn.warehouse.schema import create_tables
from local import databases, postgres
from local.databases import PIPELINE, SERVING
from local.databases import Database as Described
from local.network import free_port
from tests.api.conftest import eventually
from tests.integration.fault_parts import Callers, Database, Publisher, Service, in_background

pytestmark = pytest.mark.stack

PREDICTIONS = 50_000
PUBLISHES = 100
_PASSWORD = secrets.token_urlsafe(12)


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    """A durable PostgreSQL of its own, with the tables."""
    folder = Path(tempfile.mkdtemp(prefix="churn-faults-"))
    server = postgres.server(data=folder / "data", port=free_port(), password=_PASSWORD)
    postgres.initialise(server)
    database = Database(server)
    database.start()
    try:
        databases.prepare(server.url(), {PIPELINE: _PASSWORD, SERVING: _PASSWORD}, ())
        with psycopg.connect(server.url(), autocommit=True) as connection:
            described = Described(name="churn", owner=PIPELINE, guests=(SERVING,))
            databases.create_database(connection, described)
        with connect(_url(database, PIPELINE)) as connection:
            create_tables(connection)
        yield database
    finally:
        database.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _url(database: Database, role: str) -> str:
    return database.server.url("churn", role=role, password=_PASSWORD)


def _hurt(database: Database, service: Service, callers: Callers) -> Counter[str]:
    """Do every kind of harm in turn until enough was answered; tell how often."""
    harm: Counter[str] = Counter()
    while len(callers.answers) < PREDICTIONS or harm["database killed"] < 2:
        for _ in range(2):
            harm["worker killed"] += service.kill_worker()
            time.sleep(2)
        database.stop()
        harm["database stopped"] += 1
        harm["worker killed while the database is away"] += service.kill_worker()
        harm["spool full"] += eventually(lambda: bool(callers.refusals), seconds=10)
        database.start()
        time.sleep(1)
        database.kill()
        harm["database killed"] += 1
        time.sleep(0.5)
        database.start()
        database.freeze(1.5)
        harm["database frozen"] += 1
        time.sleep(3)
        if callers.stop.is_set():
            break
    return harm


@pytest.mark.timeout(480)
def test_every_answered_prediction_is_logged_exactly_once_whatever_is_killed(
    database: Database, tmp_path: Path
) -> None:
    store, folder = ModelStore(tmp_path / "models"), tmp_path / "spool"
    publisher = Publisher(store)
    publisher.publish(0)
    environment = {
        "CHURN_HOME": str(tmp_path),
        "CHURN_DATABASE_URL": _url(database, SERVING),
        "CHURN_SPOOL_LIMIT_MB": "2",
    }
    service = Service(free_port(), environment, tmp_path / "service.log")
    service.start()
    callers = Callers(service.port)
    started = time.monotonic()

    def publish() -> None:
        for number in range(1, PUBLISHES + 1):
            publisher.publish(number)
            time.sleep(0.3)

    calling, publishing = in_background(callers.run), in_background(publish)
    try:
        harm = _hurt(database, service, callers)
        publishing.join()
    finally:
        callers.stop.set()
        calling.join()
        publishing.join()
    drained = eventually(lambda: not spool.used(folder), seconds=60)
    service.end()
    told = f"{len(callers.answers):,} answered, {callers.lost} lost their worker"
    told += f", refused: {dict(callers.refusals)}, {dict(harm)}"
    sys.stdout.write(f"{told}, {time.monotonic() - started:.0f} s\n")
    assert drained, (service.log.read_text()[-3_000:], [p.name for p in folder.iterdir()])
    _require_recorded(database, callers)
    _require_versions(callers, publisher)
    assert len(callers.answers) >= PREDICTIONS
    assert set(callers.refusals) == {"503 promised"}
    assert all(harm[name] for name in harm)
    assert harm["worker killed"] >= 3
    assert len(publisher.thresholds) + len(publisher.torn) == PUBLISHES + 1


def _require_recorded(database: Database, callers: Callers) -> None:
    with psycopg.connect(_url(database, PIPELINE)) as connection:
        rows = connection.execute(
            "SELECT prediction_id::text, model_version, threshold FROM prediction_logs"
        ).fetchall()
    times = Counter(row[0] for row in rows)
    logged = {row[0]: row[1:] for row in rows}
    answered = {answer.prediction_id: answer for answer in callers.answers}
    assert len(answered) == len(callers.answers)
    assert [one for one in answered if times[one] != 1] == []
    assert [one for one, count in times.items() if count != 1] == []
    for answer in callers.answers:
        assert logged[answer.prediction_id] == (answer.version, answer.threshold)
    # What is in the log and was not answered is what its caller lost with the worker.
    assert len(rows) - len(answered) <= callers.lost


def _require_versions(callers: Callers, publisher: Publisher) -> None:
    for answer in callers.answers:
        assert publisher.thresholds[answer.version] == answer.threshold
    seen = {answer.version for answer in callers.answers}
    assert len(seen) > PUBLISHES / 4
    assert seen.isdisjoint(publisher.torn)
