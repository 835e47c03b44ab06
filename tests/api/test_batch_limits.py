"""What a batch, and a customer, may take of a running service."""

import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest

from churn.registry.store import ModelStore
from tests.api.conftest import eventually, publish
from tests.api.process import Running, serving

CSV = {"Content-Type": "text/csv"}
JSON = {"Content-Type": "application/json"}
NDJSON = {"Content-Type": "application/x-ndjson"}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A state folder with a model."""
    publish(ModelStore(tmp_path / "models"), 1)
    return tmp_path


_BEGINNING = (
    b"POST /predict/batch HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\n"
    b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ntenure\n5\n\r\n"
)


@contextmanager
def _unfinished_batch(port: int) -> Iterator[None]:
    """Have a batch answered whose body ends only with the block."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(_BEGINNING)
        answer = b""
        while b"\n1," not in answer:
            answer += connection.recv(1 << 16)
        yield
        connection.sendall(b"2\r\n6\n\r\n0\r\n\r\n")
        while part := connection.recv(1 << 16):
            answer += part
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"\n2," in answer


def _send(service: Running, text: str) -> tuple[int, str, str | None]:
    return _post(service, "/predict/batch", text.encode(), CSV)


def _post(
    service: Running, path: str, body: bytes, headers: Mapping[str, str]
) -> tuple[int, str, str | None]:
    connection = HTTPConnection("127.0.0.1", service.port, timeout=30)
    connection.request("POST", path, body, dict(headers))
    answer = connection.getresponse()
    told = answer.status, answer.read().decode(), answer.headers["retry-after"]
    connection.close()
    return told


def test_more_batches_at_once_than_are_allowed_get_429_and_when_to_try_again(home: Path) -> None:
    with serving(home, CHURN_API_BATCHES="2") as service, _unfinished_batch(service.port):
        assert _send(service, "tenure\n5\n")[0] == 200
        with _unfinished_batch(service.port):
            status, told, after = _send(service, "tenure\n5\n")
            assert (status, after) == (429, "1")
            assert "2 batches at once already" in told
            assert service.post("/predict", {"tenure": 5})[0] == 200
        assert eventually(lambda: _send(service, "tenure\n5\n")[0] == 200, seconds=5)


def test_past_the_limit_of_rows_what_was_answered_stays_and_the_last_row_has_the_reason(
    home: Path,
) -> None:
    with serving(home, CHURN_API_BATCH_ROWS="200000") as service:
        status, told, _ = _send(service, "tenure\n" + "5\n" * 300_000)
        ready = service.get("/readyz")[1]["prediction_log"]
    *answers, end = told.splitlines()[1:]
    assert status == 200
    assert 0 < len(answers) <= 200_000
    assert end.startswith(f"{len(answers) + 1},")
    assert "at most 200,000 rows" in end
    assert ready["waiting"] == len(answers)


@pytest.mark.parametrize("most", [200, 100_000])
def test_a_customer_takes_as_many_bytes_as_is_set_alone_and_in_a_batch(
    home: Path, most: int
) -> None:
    fits, is_long = (b'{"tenure":5' + b" " * (size - 12) + b"}" for size in (most, most + 1))
    with serving(home, CHURN_API_BODY_BYTES=str(most)) as service:
        assert _post(service, "/predict", fits, JSON)[0] == 200
        status, told, _ = _post(service, "/predict", is_long, JSON)
        assert (status, f"at most {most:,} bytes" in told) == (413, True)
        _, rows, _ = _post(service, "/predict/batch", fits + b"\n" + is_long, NDJSON)
    first, second = map(json.loads, rows.splitlines())
    assert "error" not in first
    assert f"at most {most:,} bytes" in second["error"]


def test_a_batch_whose_rest_does_not_come_ends_with_a_row_that_reports_it(home: Path) -> None:
    with serving(home, CHURN_API_SECONDS="1") as service:
        with socket.create_connection(("127.0.0.1", service.port), timeout=20) as connection:
            connection.sendall(_BEGINNING)
            answer = b""
            while part := connection.recv(1 << 16):
                answer += part
        assert answer.startswith(b"HTTP/1.1 200")
        assert b"\n2,,,,,,,,,,,the rest of the batch did not arrive in time" in answer
        assert answer.endswith(b"0\r\n\r\n")
        assert "Traceback" not in service.log.read_text()
