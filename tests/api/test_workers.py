"""Two workers, as real processes: what they serve, count and need."""

import os
import re
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from churn.registry.store import CARD, ModelStore
from serving.api.workers import Workers
from tests.api.conftest import eventually, publish
from tests.api.process import Running, serving
from tests.customer_file import package, version_of

pytestmark = pytest.mark.stack


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    """A model store with one version in use."""
    store = ModelStore(tmp_path / "models")
    publish(store, 1)
    return store


def _serve_everywhere(service: Running, version: str, *, workers: int) -> bool:
    ready = service.get("/readyz")[1]
    served = [worker["model_version"] for worker in ready["workers"]]
    return served == [version] * workers and ready["workers_agree"]


def _refusals(service: Running) -> list[str | None]:
    return [worker["refused"] for worker in service.get("/readyz")[1]["workers"]]


def test_every_worker_follows_a_publish_and_a_rollback_within_two_seconds(
    tmp_path: Path, store: ModelStore
) -> None:
    with serving(tmp_path, workers=2) as service:
        assert eventually(lambda: _serve_everywhere(service, version_of(1), workers=2), seconds=10)
        publish(store, 2)
        assert eventually(lambda: _serve_everywhere(service, version_of(2), workers=2), seconds=2)
        store.publish(version_of(1))
        assert eventually(lambda: _serve_everywhere(service, version_of(1), workers=2), seconds=2)


def test_a_truncated_version_is_refused_by_every_worker_with_the_reason_and_the_old_one_serves(
    tmp_path: Path, store: ModelStore
) -> None:
    with serving(tmp_path, workers=2) as service:
        assert eventually(lambda: _serve_everywhere(service, version_of(1), workers=2), seconds=10)
        folder = store.write_candidate(package(2).manifest, package(2).files)
        (folder / CARD).write_bytes(b"torn")
        store.publish(version_of(2))
        assert eventually(lambda: None not in _refusals(service), seconds=2)
        assert all(f"{version_of(2)}/{CARD}" in str(told) for told in _refusals(service))
        assert _serve_everywhere(service, version_of(1), workers=2)
        store.publish(version_of(1))
        assert eventually(lambda: _refusals(service) == [None, None], seconds=2)


def _counted(service: Running, name: str) -> float:
    text = service.get("/metrics")[1]
    return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name))


def test_the_counts_are_those_of_all_workers_and_outlive_one_that_is_killed(
    tmp_path: Path, store: ModelStore
) -> None:
    assert store.current()
    with serving(tmp_path, workers=2) as service:
        assert eventually(lambda: _serve_everywhere(service, version_of(1), workers=2), seconds=10)
        asked: Counter[int] = Counter()
        for number in range(200):
            status, answer = service.post("/predict", {"tenure": 5 if number % 4 else -1})
            asked[answer["prediction"] if status == 200 else status] += 1
        assert _counted(service, "churn_predictions_total") == asked[0] + asked[1] == 150
        refused = 'churn_request_duration_seconds_count{route="/predict",status="422"}'
        assert _counted(service, refused) == asked[422] == 50
        victim = service.get("/readyz")[1]["workers"][0]["pid"]
        os.kill(victim, signal.SIGKILL)
        assert eventually(lambda: victim not in _pids(service), seconds=10)
        assert eventually(lambda: _serve_everywhere(service, version_of(1), workers=2), seconds=20)
        assert _counted(service, "churn_predictions_total") == 150


def _pids(service: Running) -> set[int]:
    try:
        return {worker["pid"] for worker in service.get("/readyz")[1]["workers"]}
    except OSError:  # the connection was that worker's
        return set()


def test_every_line_of_the_log_is_json_with_the_id_of_its_request(
    tmp_path: Path, store: ModelStore
) -> None:
    import json

    assert store.current()
    with serving(tmp_path, workers=2) as service:
        service.get("/nothing", {"X-Request-ID": "mine"})
    lines = [json.loads(line) for line in service.log.read_text().splitlines()]
    assert [line["status"] for line in lines if line.get("request_id") == "mine"] == [404]


def test_from_process_start_to_first_answer_takes_less_than_two_seconds(
    tmp_path: Path, store: ModelStore
) -> None:
    assert store.current()
    taken = []
    for number in range(3):
        started = time.monotonic()
        with serving(tmp_path / str(number), CHURN_MODEL_STORE=str(store.path)) as service:
            assert service.post("/predict", {"tenure": 5})[0] == 200
            taken.append(time.monotonic() - started)
    assert min(taken) < 2, taken


def _resident(pid: int) -> float:
    """Return a process's own memory in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+)", status)
    assert found
    return int(found[1]) / 1024


_SWAP = """
import sys
from pathlib import Path
from churn.customer.parsing import parse_customer
from churn.registry.store import ModelStore
from serving.api.live_model import LiveModel
store = ModelStore(Path(sys.argv[1]))
live = LiveModel(store)
versions = store.versions()
def swap(times):
    for number in range(times):
        store.pointer.write_text(versions[number % 2])
        live.refresh()
        assert live.version == versions[number % 2]
        live.model.score(parse_customer({"tenure": 5, "contract": "One year"}))
def resident():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))
swap(10)
after_ten = resident()
swap(990)
print(after_ten, resident())
"""


def test_memory_after_a_thousand_swaps_is_that_after_ten(store: ModelStore) -> None:
    import subprocess
    import sys

    publish(store, 2)
    command = [sys.executable, "-c", _SWAP, str(store.path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    after_ten, after_thousand = map(float, done.stdout.split())
    assert after_thousand < after_ten + 8, done.stdout


def test_a_worker_takes_less_than_a_hundred_megabytes(tmp_path: Path, store: ModelStore) -> None:
    assert store.current()
    with serving(tmp_path) as service:
        service.post("/predict", {"tenure": 5})
        assert max(map(_resident, service.workers())) < 100


def test_a_place_is_free_again_when_its_worker_has_gone(tmp_path: Path) -> None:
    with Workers(tmp_path) as first:
        second = Workers(tmp_path)
        assert [first.number, second.number] == [0, 1]
        assert [state.worker for state in first.states()] == [0, 1]
        second.close()
        assert [state.worker for state in first.states()] == [0]
        with Workers(tmp_path) as third:
            assert third.number == 1
