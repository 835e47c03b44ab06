import json
import secrets
import shutil
import signal
import subprocess
import sys
import threading
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

from churn.core.log_options import LogOptions, WhenFull
from churn.core.settings import Settings
from churn.registry.store import ModelStore
from churn.warehouse.connect import connect
from churn.warehouse.predictions.spool import segments
from churn.warehouse.schema import create_tables
from local.postgres import Server
from serving.api.predicting import keyed_id
from serving.api.prediction_log import PredictionLog
from serving.api.worker_spool import WorkerSpool
from tests.api.conftest import eventually, running
from tests.customer_file import package

LIMIT = 100_000_000
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
def spool(tmp_path: Path) -> Iterator[WorkerSpool]:
    """A spool of its own."""
    with WorkerSpool(tmp_path / "own", limit=LIMIT) as spool:
        yield spool


def _rows(url: str) -> list[tuple[object, ...]]:
    with connect(url) as connection:
        return connection.execute(
            "SELECT prediction_id::text, model_version, probability_churn, prediction,"
            " contact, threshold, features, customer_id FROM prediction_logs ORDER BY recorded_at"
        ).fetchall()


def _ids(url: str) -> list[str]:
    return [str(row[0]) for row in _rows(url)]


def _predict(client: TestClient, times: int) -> list[str]:
    answers = [client.post("/predict", json=ORIGIN) for _ in range(times)]
    assert {answer.status_code for answer in answers} == {200}
    return [str(answer.json()["prediction_id"]) for answer in answers]


def _waiting(client: TestClient) -> int:
    return int(client.get("/readyz").json()["prediction_log"]["waiting"])


def _record(
    predicted_at: datetime | None = None, prediction_id: str = "", customer_id: str | None = None
) -> bytes:
    record = {
        "prediction_id": prediction_id or str(uuid.uuid4()),
        "predicted_at": (predicted_at or datetime.now(UTC)).isoformat(),
        "customer_id": customer_id,
        "model_version": "v1",
        "probability_churn": 0.5,
        "prediction": 1,
        "threshold": 0.5,
        "features": {"tenure": 5},
    }
    return json.dumps(record).encode()


def _id(record: bytes) -> str:
    return str(json.loads(record)["prediction_id"])


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
        answer["contact"],
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
        trouble = "the tables are missing"
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


def test_readiness_names_a_database_of_another_release_and_answers_go_on(
    logged: Settings, tables: str
) -> None:
    with connect(tables) as connection:
        connection.execute("INSERT INTO schema_migrations VALUES (99, 'of_the_future')")
    with running(logged) as client:
        ahead = "the database is ahead of this release, at migration 99"
        assert eventually(lambda: ahead in client.get("/readyz").text, seconds=5)
        answered = _predict(client, 3)
        assert client.get("/readyz").status_code == 200
        assert _waiting(client) == 3
        with connect(tables) as connection:
            connection.execute("DELETE FROM schema_migrations WHERE number = 99")
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
import os, signal, sys
from pathlib import Path
from serving.api.worker_spool import WorkerSpool
spool = WorkerSpool(Path(sys.argv[1]), limit=1_000_000)
for record in sys.stdin.buffer:
    spool.add(record.strip())
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_service_left_is_logged_by_the_next(logged: Settings, tables: str) -> None:
    records = [_record() for _ in range(100)]
    died = subprocess.run(
        [sys.executable, "-c", _SPOOL_AND_DIE, str(logged.spool)],
        input=b"\n".join(records),
        check=False,
        timeout=60,
    )
    assert died.returncode == -signal.SIGKILL
    with running(logged) as client:
        assert eventually(lambda: _waiting(client) == 0, seconds=5)
    assert sorted(_ids(tables)) == sorted(map(_id, records))


def _log(spool: WorkerSpool, url: str) -> PredictionLog:
    return PredictionLog(spool, lambda: connect(url))


def test_a_batch_that_is_shipped_again_adds_nothing(
    spool: WorkerSpool, tables: str, serving_url: str
) -> None:
    log = _log(spool, serving_url)
    records = [_record() for _ in range(10)]
    for _ in range(2):
        log.add(*records)
        assert log.ship() == 10
    assert len(_rows(tables)) == 10


def test_a_service_killed_between_shipping_and_forgetting_logs_once(
    spool: WorkerSpool, tables: str, serving_url: str, tmp_path: Path
) -> None:
    log = _log(spool, serving_url)
    for _ in range(10):
        log.add(_record())
    shutil.copytree(tmp_path / "own", tmp_path / "as_it_was")
    assert log.ship() == 10
    with WorkerSpool(tmp_path / "as_it_was", limit=LIMIT) as restarted:
        assert _log(restarted, serving_url).ship() == 10
        assert restarted.waiting() == 0
    assert len(_rows(tables)) == 10


def test_more_than_one_batch_is_shipped_at_once(
    spool: WorkerSpool, tables: str, serving_url: str
) -> None:
    log = _log(spool, serving_url)
    log.add(*(_record() for _ in range(4_100)))
    assert log.ship() == 4_100
    assert (log.state().waiting, len(_rows(tables))) == (0, 4_100)


def test_two_services_that_ship_the_same_spool_log_each_answer_once(
    spool: WorkerSpool, tables: str, serving_url: str
) -> None:
    for _ in range(50):
        spool.add(*(_record() for _ in range(10)))
        spool.finish()

    def ship() -> None:
        with WorkerSpool(spool.folder, limit=LIMIT) as same:
            _log(same, serving_url).ship()

    threads = [threading.Thread(target=ship) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (spool.waiting(), len(_rows(tables))) == (0, 500)


def _keyed() -> str:
    return keyed_id(secrets.token_hex(8), "v1")


def test_a_request_that_is_tried_again_later_is_one_row(
    spool: WorkerSpool, tables: str, serving_url: str
) -> None:
    log, key = _log(spool, serving_url), _keyed()
    moments = [datetime(2026, month, 1, tzinfo=UTC) for month in (9, 9, 10, 11)]
    for moment in moments[1:]:
        log.add(_record(moment, key), _record(moment, key))
        log.ship()
    assert _ids(tables) == [key]


def test_tries_that_two_workers_ship_at_the_same_time_are_one_row(
    tables: str, serving_url: str, tmp_path: Path
) -> None:
    keys = [_keyed() for _ in range(200)]

    def ship(name: str) -> None:
        with WorkerSpool(tmp_path / name, limit=LIMIT) as spool:
            for key in keys:
                spool.add(_record(prediction_id=key))
                spool.finish()
            _log(spool, serving_url).ship()

    threads = [threading.Thread(target=ship, args=(name,)) for name in ("one", "other")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(_ids(tables)) == sorted(keys)


def test_an_idempotency_key_gives_the_answer_of_the_first_try_and_one_row(
    logged: Settings, tables: str
) -> None:
    headers = {"Idempotency-Key": "order 7"}
    with running(logged) as client:
        first, again = (client.post("/predict", json=ORIGIN, headers=headers) for _ in range(2))
        other = client.post("/predict", json={**ORIGIN, "tenure": 6}, headers=headers)
    with running(logged) as restarted:
        later = restarted.post("/predict", json=ORIGIN, headers=headers)
        assert eventually(lambda: _waiting(restarted) == 0, seconds=5)
    assert first.content == again.content
    assert later.json()["prediction_id"] == first.json()["prediction_id"]
    assert sorted(_ids(tables)) == sorted(
        [first.json()["prediction_id"], other.json()["prediction_id"]]
    )


def test_a_record_that_postgresql_will_never_take_holds_up_no_other(
    spool: WorkerSpool, tables: str, serving_url: str
) -> None:
    log = _log(spool, serving_url)
    bad = _record().replace(b'"v1"', rb'"\u0000"')
    good = [_record() for _ in range(20)]
    log.add(*good[:13], bad, *good[13:])
    log.ship()
    assert sorted(_ids(tables)) == sorted(map(_id, good))
    assert (spool.folder / "refused.damaged").read_bytes() == bad + b"\n"


def test_a_damaged_segment_is_kept_and_what_is_sound_of_it_is_shipped(
    spool: WorkerSpool, tables: str, serving_url: str
) -> None:
    log, good = _log(spool, serving_url), _record()
    log.add(good)
    spool.add(b"x" * 40)
    spool.finish()
    (path,) = [p for p in segments(spool.folder) if p.stat().st_size]
    path.write_bytes(path.read_bytes()[:-1] + b"y")
    assert log.ship() == 1
    assert _ids(tables) == [_id(good)]
    assert path.with_suffix(".damaged").exists()


def test_the_service_may_add_to_its_log_and_read_nothing_of_it(
    tables: str, serving_url: str
) -> None:
    assert tables
    for forbidden in (
        "SELECT prediction_id FROM prediction_logs",
        "DELETE FROM prediction_logs",
        "INSERT INTO prediction_logs SELECT * FROM prediction_logs",
        "SELECT * FROM erasures",
        "CREATE TABLE own (id int)",
        "CREATE TEMP TABLE own (id int)",
    ):
        with (
            psycopg.connect(serving_url) as connection,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            connection.execute(forbidden)


def test_values_are_left_out_of_the_log_when_it_is_set_so(logged: Settings, tables: str) -> None:
    without = replace(logged, log=LogOptions(features=False))
    with running(without) as client:
        answered = client.post("/predict", json={**ORIGIN, "customerID": "7590-VHVEG"}).json()
        assert eventually(lambda: _waiting(client) == 0, seconds=5)
    (row,) = _rows(tables)
    assert (row[0], row[6], row[7]) == (answered["prediction_id"], None, "7590-VHVEG")


def test_past_the_limit_a_prediction_is_refused_and_counted(
    settings: Settings, store: ModelStore
) -> None:
    assert store.current()
    with running(replace(settings, log=LogOptions(spool_limit=1_200))) as client:
        answers = [client.post("/predict", json=ORIGIN) for _ in range(5)]
        ready = client.get("/readyz").json()
    statuses = [answer.status_code for answer in answers]
    assert statuses == sorted(statuses)
    assert set(statuses) == {200, 503}
    assert answers[-1].headers["retry-after"]
    assert "cannot be recorded" in answers[-1].json()["detail"]
    state = ready["prediction_log"]
    assert (state["waiting"], state["dropped"]) == (statuses.count(200), statuses.count(503))


def test_past_the_limit_a_prediction_is_answered_and_counted_where_it_is_set_so(
    settings: Settings, store: ModelStore
) -> None:
    assert store.current()
    options = LogOptions(spool_limit=1_200, when_full=WhenFull.ANSWER)
    with running(replace(settings, log=options)) as client:
        statuses = [client.post("/predict", json=ORIGIN).status_code for _ in range(5)]
        state = client.get("/readyz").json()["prediction_log"]
    assert statuses == [200] * 5
    assert state["waiting"] + state["dropped"] == 5
    assert state["dropped"] > 0


@pytest.mark.parametrize("year", [2020, 2099])
def test_an_answer_of_a_clock_that_is_far_off_does_not_hold_up_the_others(
    spool: WorkerSpool, tables: str, serving_url: str, year: int
) -> None:
    log = _log(spool, serving_url)
    log.add(_record(datetime(year, 1, 1, tzinfo=UTC)))
    good = _record()
    log.add(good)
    log.ship()
    assert _id(good) in _ids(tables)
