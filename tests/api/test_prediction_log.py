import json
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from starlette.testclient import TestClient

from churn.registry.store import ModelStore
from churn.settings import Settings
from churn.warehouse.connect import connect
from churn.warehouse.schema import create_tables
from local.postgres import Server
from serving.api.prediction_log import PredictionLog
from serving.api.spool import Spool
from tests.api.conftest import eventually, running
from tests.customer_file import package

ORIGIN = {"tenure": 5, "monthly_charges": 95.5, "gender": 1, "partner": 0}


@pytest.fixture
def logged(settings: Settings, store: ModelStore, serving_url: str) -> Settings:
    """A service with a model, and with the database as it is before the first DAG run."""
    assert store.current()
    return replace(settings, database_url=serving_url)


@pytest.fixture
def tables(database_url: str) -> str:
    """Create the tables; return the owner's address."""
    with connect(database_url) as connection:
        create_tables(connection)
    return database_url


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    """A spool of its own."""
    with Spool(tmp_path / "predictions.sqlite") as spool:
        yield spool


def _rows(url: str) -> list[tuple[object, ...]]:
    with connect(url) as connection:
        return connection.execute(
            "SELECT prediction_id::text, model_version, probability_churn, prediction,"
            " threshold, features, customer_id FROM prediction_logs ORDER BY recorded_at"
        ).fetchall()


def _ids(url: str) -> list[str]:
    return [str(row[0]) for row in _rows(url)]


def _predict(client: TestClient, times: int) -> list[str]:
    answers = [client.post("/predict", json=ORIGIN) for _ in range(times)]
    assert {answer.status_code for answer in answers} == {200}
    return [str(answer.json()["prediction_id"]) for answer in answers]


def _waiting(client: TestClient) -> int:
    return int(client.get("/readyz").json()["prediction_log"]["waiting"])


def _record(predicted_at: datetime | None = None) -> dict[str, object]:
    return {
        "prediction_id": str(uuid.uuid4()),
        "predicted_at": (predicted_at or datetime.now(UTC)).isoformat(),
        "customer_id": None,
        "model_version": "v1",
        "probability_churn": 0.5,
        "prediction": 1,
        "threshold": 0.5,
        "features": {"tenure": 5},
    }


@contextmanager
def _shut(server: Server, database: str) -> Iterator[None]:
    """Let nobody into a database and throw out who is in it."""
    allow = sql.SQL("ALTER DATABASE {} WITH ALLOW_CONNECTIONS {}")
    throw_out = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(allow.format(sql.Identifier(database), sql.SQL("false")))
        connection.execute(throw_out, [database])
        yield
        connection.execute(allow.format(sql.Identifier(database), sql.SQL("true")))


def test_every_answer_is_in_the_log_exactly_once(logged: Settings, tables: str) -> None:
    with running(logged) as client:
        answered = _predict(client, 300)
        assert eventually(lambda: _waiting(client) == 0, seconds=10)
    assert sorted(_ids(tables)) == sorted(answered)


def test_the_log_has_the_answer_as_it_was_given(logged: Settings, tables: str) -> None:
    with running(logged) as client:
        answer = client.post("/predict", json={**ORIGIN, "customerID": "7590-VHVEG"}).json()
        assert eventually(lambda: _waiting(client) == 0, seconds=5)
    (row,) = _rows(tables)
    features = {"tenure": 5, "monthly_charges": 95.5, "gender": "Male", "partner": False}
    assert row == (
        answer["prediction_id"],
        package().manifest.version,
        answer["probability_churn"],
        answer["prediction"],
        answer["threshold"],
        features,
        "7590-VHVEG",
    )


def test_a_refused_request_is_not_in_the_log(logged: Settings, tables: str) -> None:
    with running(logged) as client:
        assert client.post("/predict", json={"tenure": -1}).status_code == 422
        _predict(client, 1)
        assert eventually(lambda: _waiting(client) == 0, seconds=5)
    assert len(_rows(tables)) == 1


def test_answers_given_before_the_first_dag_run_are_logged_after_it(
    logged: Settings, database_url: str
) -> None:
    with running(logged) as client:
        answered = _predict(client, 3)
        trouble = "prediction_logs"
        assert eventually(lambda: trouble in client.get("/readyz").text, seconds=5)
        with connect(database_url) as connection:
            create_tables(connection)
        assert eventually(lambda: _waiting(client) == 0, seconds=10)
    assert sorted(_ids(database_url)) == sorted(answered)


def test_answers_go_on_while_postgresql_is_away_and_are_logged_afterwards(
    logged: Settings, tables: str, postgres_server: Server, database_name: str
) -> None:
    with running(logged) as client:
        answered = _predict(client, 5)
        assert eventually(lambda: _waiting(client) == 0, seconds=5)
        with _shut(postgres_server, database_name):
            answered += _predict(client, 5)
            assert eventually(
                lambda: "not currently accepting" in client.get("/readyz").text, seconds=5
            )
            assert client.get("/readyz").status_code == 200
            assert _waiting(client) == 5
        assert eventually(lambda: _waiting(client) == 0, seconds=10)
        assert client.get("/readyz").json()["prediction_log"]["trouble"] is None
    assert sorted(_ids(tables)) == sorted(answered)


def test_what_a_stopped_service_left_is_logged_by_the_next(logged: Settings, tables: str) -> None:
    with running(replace(logged, database_url="")) as client:
        answered = _predict(client, 20)
    with running(logged) as client:
        assert eventually(lambda: _waiting(client) == 0, seconds=5)
    assert sorted(_ids(tables)) == sorted(answered)


_SPOOL_AND_DIE = """
import json, os, signal, sys
from pathlib import Path
from serving.api.spool import Spool
spool = Spool(Path(sys.argv[1]))
for record in json.load(sys.stdin):
    spool.add(json.dumps(record))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_service_left_is_logged_by_the_next(logged: Settings, tables: str) -> None:
    records = [_record() for _ in range(100)]
    path = logged.spool / "predictions.sqlite"
    died = subprocess.run(
        [sys.executable, "-c", _SPOOL_AND_DIE, str(path)],
        input=json.dumps(records),
        text=True,
        check=False,
        timeout=60,
    )
    assert died.returncode == -signal.SIGKILL
    with running(logged) as client:
        assert eventually(lambda: _waiting(client) == 0, seconds=5)
    assert sorted(_ids(tables)) == sorted(str(record["prediction_id"]) for record in records)


def test_a_batch_that_is_shipped_again_adds_nothing(
    spool: Spool, tables: str, serving_url: str
) -> None:
    log = PredictionLog(spool, lambda: connect(serving_url))
    records = [_record() for _ in range(10)]
    for _ in range(2):
        for record in records:
            log.add(record)
        assert log.ship() == 10
    assert len(_rows(tables)) == 10


def test_a_service_killed_between_shipping_and_forgetting_logs_once(
    spool: Spool, tables: str, serving_url: str, tmp_path: Path
) -> None:
    log = PredictionLog(spool, lambda: connect(serving_url))
    for _ in range(10):
        log.add(_record())
    copy = sqlite3.connect(tmp_path / "as_it_was.sqlite")
    with sqlite3.connect(tmp_path / "predictions.sqlite") as original:
        original.backup(copy)
    original.close()
    copy.close()
    assert log.ship() == 10
    with Spool(tmp_path / "as_it_was.sqlite") as restarted:
        assert PredictionLog(restarted, lambda: connect(serving_url)).ship() == 10
    assert len(_rows(tables)) == 10


def test_more_than_one_batch_is_shipped_at_once(
    spool: Spool, tables: str, serving_url: str
) -> None:
    log = PredictionLog(spool, lambda: connect(serving_url))
    for _ in range(4_100):
        log.add(_record())
    assert log.ship() == 4_100
    assert (log.waiting(), len(_rows(tables))) == (0, 4_100)


def test_two_services_that_ship_the_same_spool_log_each_answer_once(
    spool: Spool, tables: str, serving_url: str, tmp_path: Path
) -> None:
    for _ in range(500):
        spool.add(json.dumps(_record()))

    def ship() -> None:
        with Spool(tmp_path / "predictions.sqlite") as same:
            PredictionLog(same, lambda: connect(serving_url)).ship()

    threads = [threading.Thread(target=ship) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (spool.waiting(), len(_rows(tables))) == (0, 500)


@pytest.mark.parametrize("year", [2020, 2099])
def test_an_answer_of_a_clock_that_is_far_off_does_not_hold_up_the_others(
    spool: Spool, tables: str, serving_url: str, year: int
) -> None:
    log = PredictionLog(spool, lambda: connect(serving_url))
    log.add(_record(datetime(year, 1, 1, tzinfo=UTC)))
    good = _record()
    log.add(good)
    log.ship()
    assert good["prediction_id"] in _ids(tables)


def test_a_spool_that_is_locked_for_a_while_does_not_end_the_service(
    logged: Settings, tables: str
) -> None:
    with running(logged) as client:
        _predict(client, 1)
        lock = sqlite3.connect(logged.spool / "predictions.sqlite", isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        time.sleep(6.5)
        lock.execute("ROLLBACK")
        lock.close()
        assert client.post("/predict", json=ORIGIN).status_code == 200
        assert eventually(lambda: len(_rows(tables)) == 2, seconds=5)
