import asyncio
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from churn.core.settings import Settings
from churn.registry.store import ModelStore
from serving.api.logs import JsonFormatter
from serving.api.predicting import Predictor
from tests.api.conftest import running

PROBLEM = "application/problem+json"


def _limited(settings: Settings, **values: str) -> Settings:
    return replace(settings, service={f"CHURN_API_{key}": value for key, value in values.items()})


def test_a_request_keeps_the_id_it_came_with(client: TestClient) -> None:
    answer = client.get("/livez", headers={"X-Request-ID": "from-the-proxy.1"})
    assert answer.headers["x-request-id"] == "from-the-proxy.1"


@pytest.mark.parametrize("given", ["", "a b", "x" * 200, '"}'])
def test_an_id_that_could_disturb_a_log_is_replaced(client: TestClient, given: str) -> None:
    answers = [client.get("/livez", headers={"X-Request-ID": given}) for _ in range(2)]
    ids = {answer.headers["x-request-id"] for answer in answers}
    assert len(ids) == 2
    assert given not in ids


@pytest.mark.parametrize("path", ["/livez", "/nothing", "/docs", "/model"])
def test_every_answer_carries_the_headers_that_browsers_heed(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]


def test_a_bug_is_a_problem_without_a_trace_and_the_log_has_it_by_the_requests_id(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> bytes:
        raise RuntimeError("secret")

    monkeypatch.setattr(Predictor, "predict", broken)
    answer = client.post("/predict", json={"tenure": 5}, headers={"X-Request-ID": "mine"})
    assert (answer.status_code, answer.headers["content-type"]) == (500, PROBLEM)
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    assert answer.headers["x-request-id"] == "mine"
    assert any("secret" in str(record.exc_info) for record in caplog.records if record.exc_info)


def test_a_log_line_is_one_json_object_whatever_is_in_it(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        client.get("/no%22thing%0A{")
    (record,) = [one for one in caplog.records if one.name == "serving.api.requests"]
    text = JsonFormatter().format(record)
    line = json.loads(text)
    assert "\n" not in text
    assert (line["status"], line["method"], line["route"]) == (404, "GET", "other")


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Let predictions wait until the event is set."""
    event = threading.Event()
    answering = Predictor.__call__

    async def waiting(self: Predictor, *arguments: object) -> None:
        while not event.is_set():
            await asyncio.sleep(0.01)
        await answering(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Predictor, "__call__", waiting)
    yield event
    event.set()


def test_past_the_limit_of_requests_at_once_the_service_states_when_to_retry(
    settings: Settings, store: ModelStore, held: threading.Event
) -> None:
    assert store.current()
    with (
        running(_limited(settings, REQUESTS="2")) as client,
        ThreadPoolExecutor(2) as threads,
    ):
        asked = [threads.submit(client.post, "/predict", json={"tenure": 5}) for _ in range(2)]
        time.sleep(0.5)
        refused = client.post("/predict", json={"tenure": 5})
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert client.get("/livez").status_code == 200
        held.set()
        assert [one.result().status_code for one in asked] == [200, 200]
        assert client.post("/predict", json={"tenure": 5}).status_code == 200


def test_a_request_that_takes_too_long_is_ended(
    settings: Settings, store: ModelStore, held: threading.Event
) -> None:
    assert store.current()
    assert not held.is_set()
    with running(_limited(settings, SECONDS="1")) as client:
        answer = client.post("/predict", json={"tenure": 5})
    assert (answer.status_code, answer.headers["content-type"]) == (408, PROBLEM)


@pytest.mark.parametrize("value", ["0", "-1", "many", "1.5"])
def test_a_limit_that_is_none_is_named(settings: Settings, value: str) -> None:
    with (
        pytest.raises(Exception, match=f"CHURN_API_REQUESTS={value}"),
        running(_limited(settings, REQUESTS=value)),
    ):
        pass


@pytest.mark.parametrize(
    ("path", "route", "shown"),
    [
        ("/customers/7590-VHVEG/churn", "/customers/{customer_id}/churn", None),
        ("/customers/7590-VHVEG", "other", None),
        ("/7590-VHVEG", "other", None),
        ("/predict?who=7590-VHVEG", None, "/predict"),
    ],
)
def test_a_log_line_names_the_route_and_no_customer(
    client: TestClient, caplog: pytest.LogCaptureFixture, path: str, route: str, shown: str
) -> None:
    with caplog.at_level("INFO", logger="serving.api.requests"):
        assert client.get(path).status_code >= 400
    (record,) = [one for one in caplog.records if one.name == "serving.api.requests"]
    line = JsonFormatter().format(record)
    assert "7590" not in line
    assert json.loads(line)["path"] == shown
    assert route in (None, json.loads(line)["route"])
