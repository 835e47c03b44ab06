"""Starts what is measured, each on a port of its own, and ends it by its process group."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cores import SERVER, pinned
from local.network import HOST, free_port

_START_SECONDS = 120.0
_STOP_SECONDS = 20.0
_UVICORN = ("--no-access-log", "--log-level", "warning", "--host", HOST)


@dataclass(frozen=True)
class Started:
    """A server, where it listens, and its process."""

    port: int
    process: "subprocess.Popen[bytes]"


@contextmanager
def serving(
    command: Sequence[str], port: int, ready: str, *, environment: Mapping[str, str], log: Path
) -> Iterator[Started]:
    """Serve for the length of a block, once ``ready`` is answered with anything but 5xx."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            env={**os.environ, **environment},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        _wait(f"http://{HOST}:{port}{ready}", process, log)
        yield Started(port, process)
    finally:
        _end(process)


@contextmanager
def uvicorn(
    app: str,
    *options: str,
    environment: Mapping[str, str],
    log: Path,
    cores: Sequence[int] = (SERVER,),
) -> Iterator[Started]:
    """Serve an application by uvicorn, with the same settings for each."""
    port = free_port()
    start = (*pinned(*cores), sys.executable, "-m", "uvicorn", app, "--port", str(port))
    with serving(
        (*start, *_UVICORN, *options), port, "/openapi.json", environment=environment, log=log
    ) as started:
        yield started


def _wait(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + _START_SECONDS
    while not _answers(url):
        if process.poll() is not None or time.monotonic() > until:
            end = log.read_text(errors="replace")[-2_000:]
            raise RuntimeError(f"{url} does not answer; its log ends with\n{end}")
        time.sleep(0.1)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - ours, on loopback
            return True
    except urllib.error.HTTPError as error:
        return error.code < 500  # noqa: PLR2004
    except OSError:
        return False


def _end(process: "subprocess.Popen[bytes]") -> None:
    try:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
