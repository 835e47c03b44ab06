"""A request sent again after another version was published."""

import csv
import io
import json
from dataclasses import replace
from typing import Any

import pytest
from starlette.testclient import TestClient

from churn.core.settings import Settings
from churn.pipeline.erasure import forget_spooled
from churn.registry.store import ModelStore
from churn.warehouse.connect import connect
from churn.warehouse.schema import create_tables
from tests.api.conftest import eventually, publish, running
from tests.customer_file import version_of

Told = tuple[str, str, float]
CUSTOMER = {"tenure": 5, "monthly_charges": 95.5}


@pytest.fixture
def logged(settings: Settings, store: ModelStore, database_url: str, serving_url: str) -> Settings:
    """A service with a model and a log."""
    assert store.current()
    with connect(database_url) as connection:
        create_tables(connection)
    return replace(settings, database_url=serving_url)


def _single(client: TestClient) -> list[Told]:
    headers = {"Idempotency-Key": "k"}
    return [_told(client.post("/predict", json=CUSTOMER, headers=headers).json())]


def _batch(client: TestClient) -> list[Told]:
    headers = {"Idempotency-Key": "k", "Content-Type": "application/x-ndjson"}
    rows = "\n".join(json.dumps(CUSTOMER | {"tenure": tenure}) for tenure in range(5))
    answers = client.post("/predict/batch", content=rows, headers=headers).text
    return [_told(json.loads(line)) for line in answers.splitlines()]


def _own_ids(client: TestClient) -> list[Told]:
    text = "tenure,row_id\n" + "".join(f"{tenure},r{tenure}\n" for tenure in range(5))
    answers = client.post("/predict/batch", content=text, headers={"Content-Type": "text/csv"})
    return [_told(row) for row in csv.DictReader(io.StringIO(answers.text))]


def _told(answer: dict[str, Any]) -> Told:
    return answer["prediction_id"], answer["model_version"], float(answer["probability_churn"])


def _logged(url: str) -> list[Told]:
    with connect(url) as connection:
        rows = connection.execute(
            "SELECT prediction_id::text, model_version, probability_churn FROM prediction_logs"
        ).fetchall()
    return [(str(row[0]), str(row[1]), float(str(row[2]))) for row in rows]


def _serves(client: TestClient, version: str) -> bool:
    return bool(client.get("/readyz").json()["model_version"] == version)


def _is_shipped(client: TestClient) -> bool:
    return bool(client.get("/readyz").json()["prediction_log"]["waiting"] == 0)


@pytest.mark.parametrize("send", [_single, _batch, _own_ids])
def test_every_answer_is_logged_once_under_its_id_with_the_version_that_gave_it(
    logged: Settings, store: ModelStore, database_url: str, send: Any
) -> None:
    with running(logged) as client:
        first = send(client)
        assert send(client) == first
    publish(store, 2)
    with running(logged) as client:  # another worker, which remembers no answers
        assert _serves(client, version_of(2))
        second = send(client)
        assert send(client) == second
        assert eventually(lambda: _is_shipped(client), seconds=10)
    assert {told[1] for told in first} == {version_of(1)}
    assert {told[1] for told in second} == {version_of(2)}
    assert sorted(_logged(database_url)) == sorted([*first, *second])


def test_the_worker_that_answered_gives_its_answer_again_whatever_was_published(
    logged: Settings, store: ModelStore, database_url: str
) -> None:
    with running(logged) as client:
        first = _single(client)
        publish(store, 2)
        assert eventually(lambda: _serves(client, version_of(2)), seconds=5)
        assert _single(client) == first
        assert eventually(lambda: _is_shipped(client), seconds=10)
    assert _logged(database_url) == first


def test_a_try_in_another_language_is_the_same_prediction_in_that_language(
    client: TestClient,
) -> None:
    headers = {"Idempotency-Key": "k"}
    english = client.post("/predict", json=CUSTOMER, headers=headers)
    asked = {**headers, "Accept-Language": "pt"}
    portuguese = client.post("/predict?explain=full", json=CUSTOMER, headers=asked)
    assert _told(portuguese.json()) == _told(english.json())
    assert portuguese.headers["content-language"] == "pt"
    assert "meses" in portuguese.json()["reasons"][0]["text"]
    assert "what_if" in portuguese.json()


def test_after_an_erasure_no_worker_keeps_an_answer(logged: Settings, store: ModelStore) -> None:
    with running(logged) as client:
        first = _single(client)
        publish(store, 2)
        assert eventually(lambda: _serves(client, version_of(2)), seconds=5)
        assert _single(client) == first
        forget_spooled(logged.spool, "somebody")
        assert eventually(lambda: _single(client) != first, seconds=5)
