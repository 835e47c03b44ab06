"""The service as a real process: uvicorn, its workers, and a port."""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.network import free_port

PROJECT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Running:
    """A service that listens."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def workers(self) -> set[int]:
        """Return the processes that answer."""
        return {worker["pid"] for worker in self.get("/readyz")[1]["workers"]}

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> tuple[int, Any]:
        """Return the status and the JSON, or the text, of an answer."""
        return self.send(urllib.request.Request(self.url + path, headers=dict(headers or {})))

    def post(self, path: str, body: object) -> tuple[int, Any]:
        """Send JSON and return the status and the answer."""
        data = json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        return self.send(urllib.request.Request(self.url + path, data, headers, method="POST"))

    def send(self, request: urllib.request.Request) -> tuple[int, Any]:
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                status, content, kind = answer.status, answer.read(), answer.headers["content-type"]
        except urllib.error.HTTPError as error:
            with error:
                status, content, kind = error.code, error.read(), error.headers["content-type"]
        return status, json.loads(content) if "json" in kind else content.decode()


def environment(home: Path, **values: str) -> dict[str, str]:
    """Return the environment of a service whose state is in a folder."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("CHURN_", "UVICORN_"))}
    return {**kept, "CHURN_HOME": str(home), "PYTHONPATH": f"{PROJECT}/include:{PROJECT}", **values}


def command(port: int, *, workers: int = 1, host: str = "127.0.0.1") -> list[str]:
    """Return how the service is started."""
    where = ["--host", host, "--port", str(port), "--workers", str(workers)]
    return [sys.executable, "-m", "serving.api", *where]


@contextmanager
def serving(home: Path, *, workers: int = 1, **values: str) -> Iterator[Running]:
    """Run the service until the block ends; it answers when the block begins."""
    port, log = free_port(), home / "service.log"
    home.mkdir(exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(
            command(port, workers=workers), env=environment(home, **values), stderr=output
        )
    running = Running(process, port, log)
    try:
        wait_alive(running)
        yield running
    finally:
        process.terminate()
        process.wait(timeout=30)


def wait_alive(running: Running, *, seconds: float = 60) -> None:
    """Return when the service answers."""
    until = time.monotonic() + seconds
    while True:
        try:
            running.get("/livez")
        except OSError:
            assert running.process.poll() is None, running.log.read_text()
            assert time.monotonic() < until, "the service does not answer"
            time.sleep(0.01)
        else:
            return
