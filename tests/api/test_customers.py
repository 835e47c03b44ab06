from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from churn.core.settings import Settings
from churn.registry.store import ModelStore
from churn.warehouse.connect import connect
from tests.api.conftest import running
from tests.command import Churn
from tests.customer_file import CHURN_CSV, read_rows


@pytest.fixture
def loaded(
    tmp_path: Path, settings: Settings, store: ModelStore, database_url: str, serving_url: str
) -> Settings:
    """A service with a model over a database with customers."""
    assert store.current()
    assert Churn(tmp_path, database_url)("load", CHURN_CSV).returncode == 0
    return replace(settings, database_url=serving_url)


def test_a_customer_of_the_database_is_answered_as_if_the_file_had_been_sent(
    loaded: Settings,
) -> None:
    with running(loaded) as client:
        for row in read_rows()[::700]:
            body = {name: value for name, value in row.items() if name != "Churn"}
            sent = client.post("/predict", json=body).json()
            found = client.get(f"/customers/{row['customerID']}/churn").json()
            assert "prediction_id" not in found
            assert found == {k: v for k, v in sent.items() if k != "prediction_id"}


def test_looking_at_a_customer_records_nothing(loaded: Settings, database_url: str) -> None:
    with running(loaded) as client:
        assert client.get("/customers/7590-VHVEG/churn").status_code == 200
        assert client.get("/readyz").json()["prediction_log"]["waiting"] == 0
        assert "churn_predictions_total{" not in client.get("/metrics").text
    with connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM prediction_logs").fetchone() == (0,)


def test_an_id_may_hold_a_slash(loaded: Settings, database_url: str) -> None:
    with connect(database_url) as connection:
        connection.execute(
            "UPDATE customers SET customer_id = 'north/7 ü' WHERE customer_id = '7590-VHVEG'"
        )
    with running(loaded) as client:
        assert client.get("/customers/north%2F7%20%C3%BC/churn").status_code == 200
        assert 'route="/customers/{customer_id}/churn"' in client.get("/metrics").text
        assert "/customers/{customer_id}/churn" in client.get("/openapi.json").json()["paths"]


def test_a_customer_who_is_not_there_is_not_found(loaded: Settings) -> None:
    with running(loaded) as client:
        for customer in ("nobody", "%00", "a'b"):
            answer = client.get(f"/customers/{customer}/churn")
            assert answer.status_code == 404
            assert answer.headers["content-type"] == "application/problem+json"


def test_without_the_database_the_answer_states_when_to_retry(client: TestClient) -> None:
    answer = client.get("/customers/7590-VHVEG/churn")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "PostgreSQL" not in answer.text
    assert client.post("/predict", json={"tenure": 5}).status_code == 200
