"""What the fault test is made of: a database and a service that are killed, a load, publishes."""

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from churn.core.training_options import Objective
from churn.registry.store import SCORECARD, ModelStore
from local import postgres
from local.network import HOST
from local.postgres import Server
from local.web import call
from tests.customer_file import package, read_rows

CUSTOMERS = [
    json.dumps({k: v for k, v in row.items() if k != "Churn"}) for row in read_rows()[:400]
]


@dataclass
class Database:
    """A PostgreSQL that is stopped, killed and frozen; every process is found by our own ids."""

    server: Server
    _process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        """Start it; after a kill the first try may meet what the dead one left."""
        for _ in range(20):
            with self.server.data.with_name("postgres.log").open("ab") as output:
                self._process = subprocess.Popen(
                    postgres.command(self.server),
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                )
            with suppress(Exception):
                postgres.wait_ready(
                    self.server,
                    alive=lambda: self._process.poll() is None,  # type: ignore[union-attr]
                )
                return
            time.sleep(0.2)
        raise RuntimeError("PostgreSQL does not start again")

    def _all(self) -> list[psutil.Process]:
        pid = int((self.server.data / "postmaster.pid").read_text().splitlines()[0])
        postmaster = psutil.Process(pid)
        return [postmaster, *postmaster.children(recursive=True)]

    def _signal(self, number: signal.Signals) -> None:
        for process in self._all():
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    def stop(self) -> None:
        """Shut it down as an operator does."""
        assert self._process
        self._all()[0].send_signal(signal.SIGINT)
        self._process.wait(30)

    def kill(self) -> None:
        """Kill every process of it."""
        assert self._process
        self._signal(signal.SIGKILL)
        self._process.wait(30)

    def freeze(self, seconds: float) -> None:
        """Let it neither answer nor refuse for a while."""
        self._signal(signal.SIGSTOP)
        time.sleep(seconds)
        self._signal(signal.SIGCONT)


@dataclass
class Service:
    """The real service: uvicorn with two workers."""

    port: int
    environment: dict[str, str]
    log: Path
    _process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        """Start it and wait until it is ready."""
        command = (
            *(sys.executable, "-m", "uvicorn", "--factory", "serving.api.app:create_app"),
            *("--host", HOST, "--port", str(self.port), "--workers", "2", "--no-access-log"),
        )
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                env={**os.environ, **self.environment},
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self._wait_ready()

    def _wait_ready(self) -> None:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            with suppress(OSError, http.client.HTTPException):
                if call(self.port, "/readyz").status == 200:
                    return
            time.sleep(0.1)
        raise RuntimeError(self.log.read_text()[-2_000:])

    def workers(self) -> list[psutil.Process]:
        """Return the processes that answer."""
        assert self._process
        children = psutil.Process(self._process.pid).children()
        return [p for p in children if "spawn_main" in " ".join(p.cmdline())]

    def kill_worker(self) -> bool:
        """Kill one that has been answering; uvicorn starts another. Tell whether there was one."""
        with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            workers = self.workers()
            if len(workers) == 2:
                workers[0].send_signal(signal.SIGKILL)
                return True
        return False

    def end(self) -> None:
        """Stop it as an operator does."""
        if self._process:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()


@dataclass(frozen=True)
class Answer:
    """What a caller was told."""

    prediction_id: str
    version: str
    threshold: float


@dataclass
class Callers:
    """Threads that ask without a pause until told to stop, or for as long as is allowed."""

    port: int
    threads: int = 6
    seconds: float = 240.0
    answers: list[Answer] = field(default_factory=list)
    refusals: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Ask from every thread; return when all have stopped."""
        senders = [threading.Thread(target=self._ask, args=(n,)) for n in range(self.threads)]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()

    def _ask(self, number: int) -> None:
        until = time.monotonic() + self.seconds
        connection = http.client.HTTPConnection(HOST, self.port, timeout=20)
        while not self.stop.is_set() and time.monotonic() < until:
            number += 1
            try:
                self._ask_once(connection, CUSTOMERS[number % len(CUSTOMERS)])
            except (OSError, http.client.HTTPException):
                self.lost += 1  # its worker was killed; the next request connects anew
                connection.close()
                time.sleep(0.02)
        connection.close()

    def _ask_once(self, connection: http.client.HTTPConnection, body: str) -> None:
        connection.request("POST", "/predict", body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        content = json.loads(response.read())
        if response.status == 200:
            told = (content["prediction_id"], content["model_version"], content["threshold"])
            self.answers.append(Answer(*told))
            return
        promised = "cannot be recorded" in content["detail"] and response.headers["retry-after"]
        self.refusals[f"{response.status} {'promised' if promised else content}"] += 1
        time.sleep(0.02)


@dataclass
class Publisher:
    """Publishes versions that differ in name and threshold; every fifth one is torn."""

    store: ModelStore
    thresholds: dict[str, float] = field(default_factory=dict)
    torn: list[str] = field(default_factory=list)

    def publish(self, number: int) -> None:
        """Publish the version of a number."""
        made, version = package(1), f"20260201T{number // 60:02}{number % 60:02}00Z-00a6847a"
        threshold = 0.3 + number / 1_000
        policy = made.manifest.policy.model_copy(
            update={"objective": Objective.HALF, "threshold": threshold}
        )
        changes = {"version": version, "policy": policy}
        manifest = made.manifest.model_copy(update=changes)
        self.store.write_candidate(manifest, made.files)
        if number % 5 != 4:
            self.thresholds[version] = threshold
            self.store.publish(version)
            return
        self.torn.append(version)
        self.store.candidate(version).rename(self.store.published(version))
        path = self.store.published(version) / SCORECARD
        path.write_bytes(path.read_bytes()[: 100 * number])
        pointer = self.store.path / ".torn"
        pointer.write_text(f"{version}\n")
        pointer.replace(self.store.path / "CURRENT")


def in_background(work: Callable[[], None]) -> threading.Thread:
    """Do something beside the test."""
    thread = threading.Thread(target=work)
    thread.start()
    return thread
