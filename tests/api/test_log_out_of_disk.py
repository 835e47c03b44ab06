"""PostgreSQL's disk is full: predictions are answered, wait in the spool, and lose nothing."""

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from starlette.testclient import TestClient

from churn.core.settings import Settings
from churn.registry.store import ModelStore
from churn.warehouse.connect import connect
from churn.warehouse.schema import create_tables
from local import databases, postgres
from local.databases import PIPELINE, SERVING, Database
from local.network import free_port
from local.postgres import Server
from local.privileges import choose_face, give
from tests.api.conftest import eventually, running
from tests.small_disk import fill, small_disk

_PASSWORD = "full"
_DATABASE = "churn"


@pytest.fixture
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with small_disk(tmp_path_factory.mktemp("disk"), megabytes=64) as disk:
        yield disk


@pytest.fixture
def server(disk: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A PostgreSQL whose database is on the small disk, and its log of changes elsewhere."""
    folder = tmp_path_factory.mktemp("server")
    server = postgres.server(data=folder / "data", port=free_port(), password=_PASSWORD)
    space = disk / "space"
    space.mkdir(mode=0o700)
    give(space, owner=choose_face(server.binaries / "postgres").owner)
    database = Database(name=_DATABASE, owner=PIPELINE, guests=(SERVING,))
    with postgres.running(server):
        databases.prepare(server.url(), {PIPELINE: _PASSWORD, SERVING: _PASSWORD}, (database,))
        with psycopg.connect(server.url(), autocommit=True) as connection:
            made = sql.SQL("CREATE TABLESPACE small LOCATION {}").format(sql.Literal(str(space)))
            connection.execute(made)
            connection.execute("ALTER DATABASE churn SET TABLESPACE small")
        with connect(_url(server, PIPELINE)) as connection:
            create_tables(connection)
        yield server


def _url(server: Server, role: str) -> str:
    return server.url(_DATABASE, role=role, password=_PASSWORD)


def _batch(client: TestClient, rows: int) -> list[str]:
    text = "customerID,tenure,MonthlyCharges\n" + "".join(
        f"c{n},{n % 70},50\n" for n in range(rows)
    )
    answer = client.post("/predict/batch", content=text, headers={"Content-Type": "text/csv"})
    return [row["prediction_id"] for row in csv.DictReader(io.StringIO(answer.text))]


def test_predictions_wait_while_the_disk_of_postgresql_is_full_and_are_logged_once_there_is_room(
    settings: Settings, store: ModelStore, server: Server, disk: Path
) -> None:
    assert store.current()
    ballast = fill(disk, leave_mb=2)
    with running(replace(settings, database_url=_url(server, SERVING))) as client:
        answered = _batch(client, 60_000)
        assert eventually(lambda: "No space left" in client.get("/readyz").text, seconds=30)
        answered.append(client.post("/predict", json={"tenure": 5}).json()["prediction_id"])
        ready = client.get("/readyz")
        assert (ready.status_code, ready.json()["status"]) == (200, "ready")
        assert ready.json()["prediction_log"]["waiting"] > 10_000
        ballast.unlink()
        assert eventually(lambda: _waits_no_longer(client), seconds=60)
        assert client.get("/readyz").json()["prediction_log"]["trouble"] is None
    with connect(_url(server, PIPELINE)) as connection:
        rows = connection.execute("SELECT prediction_id::text FROM prediction_logs").fetchall()
    assert sorted(str(row[0]) for row in rows) == sorted(answered)


def _waits_no_longer(client: TestClient) -> bool:
    return bool(client.get("/readyz").json()["prediction_log"]["waiting"] == 0)
