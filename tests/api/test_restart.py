"""A restart: callers wait while a worker is replaced, and none is refused."""

import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import psutil
import pytest

from churn.registry.store import ModelStore
from tests.api.conftest import eventually, publish
from tests.api.process import Running, serving

pytestmark = pytest.mark.stack

BODY = b'{"tenure": 5}'
HEADERS = {"Content-Type": "application/json"}
UNANSWERED = ("BrokenPipeError", "ConnectionResetError", "RemoteDisconnected")
"""A connection that ended while the caller wrote the request, or waited for the answer."""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A state folder with a model."""
    publish(ModelStore(tmp_path / "models"), 1)
    return tmp_path


@contextmanager
def _callers(port: int) -> Iterator[Counter[str]]:
    """Let three clients connect and ask, again and again; count what comes of it."""
    ends: Counter[str] = Counter()
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            connection = HTTPConnection("127.0.0.1", port, timeout=30)
            try:
                connection.request("POST", "/predict", BODY, HEADERS)
                ends[str(connection.getresponse().status)] += 1
            except (OSError, HTTPException) as error:
                ends[type(error).__name__] += 1
            connection.close()

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        yield ends
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _are_new(service: Running, before: set[int], *, workers: int) -> bool:
    with suppress(OSError, HTTPException):
        now = service.workers()
        return len(now) == workers and not now & before
    return False


@pytest.mark.parametrize("workers", [1, 2])
def test_no_caller_is_refused_while_every_worker_is_replaced(home: Path, workers: int) -> None:
    with serving(home, workers=workers) as service:
        assert eventually(lambda: len(service.workers()) == workers, seconds=30)
        before = service.workers()
        with _callers(service.port) as ends:
            service.process.send_signal(signal.SIGHUP)
            assert eventually(lambda: _are_new(service, before, workers=workers), seconds=60)
        # A connection that a leaving worker had just taken may end without an answer.
        assert set(ends) <= {"200", *UNANSWERED}, ends
        assert ends["200"] > 100 * (ends.total() - ends["200"]), ends


@pytest.mark.parametrize("workers", [1, 2])
def test_no_caller_is_refused_after_a_worker_was_killed(home: Path, workers: int) -> None:
    with serving(home, workers=workers) as service:
        assert eventually(lambda: len(service.workers()) == workers, seconds=30)
        before = service.workers()
        with _callers(service.port) as ends:
            os.kill(victim := min(before), signal.SIGKILL)
            assert eventually(
                lambda: (
                    _are_new(service, {victim}, workers=workers)
                    and service.post("/predict", {"tenure": 5})[0] == 200
                ),
                seconds=60,
            )
        assert "ConnectionRefusedError" not in ends
        assert ends["200"] > 0
        assert ends.total() - ends["200"] <= 3, ends  # what the killed worker had in hand


def test_workers_end_when_their_parent_was_killed(home: Path) -> None:
    with serving(home, workers=2) as service:
        pids = service.workers()
        service.process.kill()
        assert eventually(lambda: not any(map(psutil.pid_exists, pids)), seconds=20)
