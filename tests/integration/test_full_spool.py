"""The spool's disk is full: predictions are refused, all else answers, and it heals by itself."""

from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from churn.registry.store import ModelStore
from churn.warehouse.predictions import spool
from tests.api.conftest import eventually, publish
from tests.api.process import Running, serving
from tests.small_disk import fill, small_disk

BODY = b'{"tenure": 5, "contract": "One year"}'


@pytest.fixture
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A small disk that holds all the state of a service: models, keys, spool and log."""
    with small_disk(tmp_path_factory.mktemp("disk"), megabytes=24) as disk:
        publish(ModelStore(disk / "models"), 1)
        yield disk


def _post(service: Running, path: str, body: bytes, kind: str) -> tuple[int, str | None]:
    connection = HTTPConnection("127.0.0.1", service.port, timeout=30)
    connection.request("POST", path, body, {"Content-Type": kind})
    with connection.getresponse() as answer:
        answer.read()
    connection.close()
    return answer.status, answer.headers["retry-after"]


def _predict(service: Running) -> tuple[int, str | None]:
    return _post(service, "/predict", BODY, "application/json")


def _require_refusals_and_life(service: Running, times: int) -> None:
    for number in range(times):
        assert _predict(service) == (503, "5")
        if number % 20 == 0:
            for path in ("/livez", "/readyz", "/model", "/metrics"):
                assert service.get(path)[0] == 200, path
    assert 'status="503"' in service.get("/metrics")[1]
    batch = b"tenure\n" + b"5\n" * 9_000
    assert _post(service, "/predict/batch", batch, "text/csv")[0] == 503


def _fill_up(service: Running, disk: Path) -> Path:
    """Leave no byte, whatever the service frees or writes meanwhile."""
    ballast = fill(disk, leave_mb=0)
    with ballast.open("ab", buffering=0) as file:

        def is_full() -> bool:
            try:
                while file.write(bytes(4_096)):
                    pass
            except OSError:
                # The last page of each worker's file may still have room.
                return all(_predict(service)[0] == 503 for _ in range(60))
            return False

        assert eventually(is_full, seconds=20)
    return ballast


@pytest.mark.parametrize("workers", [1, 2])
def test_a_service_goes_on_while_its_disk_is_full_and_heals_once_there_is_room(
    disk: Path, workers: int
) -> None:
    with serving(disk, workers=workers) as service:
        assert eventually(lambda: len(service.workers()) == workers, seconds=20)
        before = service.workers()
        answered = sum(_predict(service)[0] == 200 for _ in range(20))
        ballast = _fill_up(service, disk)
        _require_refusals_and_life(service, 200)
        ballast.unlink()
        assert eventually(lambda: _predict(service)[0] == 200, seconds=5)
        assert service.workers() == before
        waiting = service.get("/readyz")[1]["prediction_log"]["waiting"]
        assert waiting >= answered + 1
    assert "Traceback" not in service.log.read_text()


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("has_spool", [True, False])
def test_a_service_that_starts_on_a_full_disk_refuses_predictions_until_there_is_room(
    disk: Path, tmp_path: Path, workers: int, has_spool: bool
) -> None:
    if has_spool:
        with serving(disk):
            pass
    (disk / "service.log").write_bytes(b"")
    ballast = fill(disk, leave_mb=0)
    with ballast.open("ab", buffering=0) as file:
        try:
            while file.write(bytes(4_096)):
                pass
        except OSError:
            pass
    state = {"CHURN_MODEL_STORE": str(disk / "models"), "CHURN_SPOOL": str(disk / "spool")}
    with serving(tmp_path, workers=workers, **state) as service:
        assert eventually(lambda: len(service.workers()) == workers, seconds=20)
        before = service.workers()
        _require_refusals_and_life(service, 100)
        ballast.unlink()
        assert eventually(lambda: _predict(service)[0] == 200, seconds=5)
        assert service.workers() == before
    assert spool.used(disk / "spool") > 0
