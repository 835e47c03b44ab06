"""``make run`` in the foreground, stopped from another terminal."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.layout import PROJECT
from local.network import free_port
from local.stack import DEFAULT_PORTS

pytestmark = pytest.mark.stack


@pytest.fixture
def environment() -> Iterator[dict[str, str]]:
    home = Path(tempfile.mkdtemp(prefix="churn-run-"))
    ports = {name: str(free_port()) for name in DEFAULT_PORTS}
    yield {**os.environ, "CHURN_HOME": str(home), **ports}
    shutil.rmtree(home, ignore_errors=True)


def _local(command: str, environment: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        (sys.executable, "-m", "local", command),
        cwd=PROJECT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _read_until(process: subprocess.Popen[str], words: str) -> str:
    assert process.stdout is not None
    read = ""
    for line in process.stdout:
        read += line
        if words in line:
            break
    return read


def test_run_ends_with_the_summary_and_down_from_elsewhere_ends_it(
    environment: dict[str, str],
) -> None:
    with _local("run", environment) as running:
        told = _read_until(running, "everything runs")
        try:
            assert "probability_churn" in told
            assert "majority" in told
            assert "secrets.env" in told
        finally:
            with _local("down", environment) as stopping:
                stopping.communicate(timeout=120)
        assert running.wait(timeout=5) == 0


def test_down_from_elsewhere_ends_a_run_that_is_still_starting(
    environment: dict[str, str],
) -> None:
    with _local("run", environment) as running:
        _read_until(running, "waiting for the supervisor")
        with _local("down", environment) as stopping:
            stopping.communicate(timeout=120)
        assert running.wait(timeout=5) == 0
