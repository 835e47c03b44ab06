"""A worker that is killed in the middle of a batch: what its caller read is in the log."""

import csv
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from churn.registry.store import ModelStore
from churn.warehouse.connect import connect
from churn.warehouse.schema import create_tables
from tests.api.conftest import eventually, publish
from tests.api.process import Running, serving
from tests.customer_file import CHURN_CSV

pytestmark = pytest.mark.slow

_HEAD = (
    b"POST /predict/batch HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\n"
    b"Content-Length: %d\r\nConnection: close\r\n\r\n"
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A state folder with a model."""
    publish(ModelStore(tmp_path / "models"), 1)
    return tmp_path


def _answers_until_killed(service: Running, *, after: int) -> Iterator[list[str]]:
    """Send the customer file many times over; yield the rows that were read before the end."""
    header, _, body = CHURN_CSV.read_bytes().partition(b"\n")
    answer = b""
    with socket.create_connection(("127.0.0.1", service.port), timeout=30) as connection:
        size = len(header) + 1 + 40 * len(body)
        connection.sendall(_HEAD % size + header + b"\n" + 4 * body)
        while answer.count(b"\n") < after:
            answer += connection.recv(1 << 16)
        os.kill(service.get("/readyz")[1]["workers"][0]["pid"], signal.SIGKILL)
        while part := _received(connection):
            answer += part
    lines = answer[answer.index(b"\n1,") + 1 : answer.rindex(b"\n")].decode().splitlines()
    yield from (cells for cells in csv.reader(lines) if len(cells) == 12)


def _received(connection: socket.socket) -> bytes:
    try:
        return connection.recv(1 << 16)
    except ConnectionResetError:
        return b""


def _waiting(service: Running) -> int:
    return int(service.get("/readyz")[1]["prediction_log"]["waiting"])


@pytest.mark.parametrize("after", [100, 8_000, 20_000])
def test_every_row_that_was_read_before_the_worker_was_killed_is_logged_once(
    home: Path, database_url: str, serving_url: str, after: int
) -> None:
    with connect(database_url) as connection:
        create_tables(connection)
    with serving(home, CHURN_DATABASE_URL=serving_url) as service:
        read = list(_answers_until_killed(service, after=after))
    with serving(home, CHURN_DATABASE_URL=serving_url) as service:
        assert eventually(lambda: _waiting(service) == 0, seconds=30)
    with connect(database_url) as connection:
        rows = connection.execute(
            "SELECT prediction_id::text, probability_churn, customer_id FROM prediction_logs"
        ).fetchall()
    logged = {str(row[0]): row[1:] for row in rows}
    assert len(logged) == len(rows)
    assert len(read) > after / 2
    for cells in read:
        assert logged[cells[10]] == (float(cells[3]), cells[1])
