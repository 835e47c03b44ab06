"""Whatever ends a run, nothing of its engine stays on the machine."""

import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local.containers import PROJECT
from tests.compose import leftovers
from tests.compose.machine import Machine

HELD = Path(__file__).with_name("held_engine.py")
END_SECONDS = 90


@contextmanager
def held(machine: Machine) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Start a run of its own that holds an engine with a container, a network and a volume."""
    if machine.real:
        pytest.skip("the machine's own engine is used: none is started that could be left")
    command = [sys.executable, str(HELD)]
    process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    try:
        folder = Path(process.stdout.readline().strip())
        assert folder.name.startswith(leftovers.PREFIX), process.communicate()
        yield process, folder
    finally:
        process.kill()
        process.communicate(timeout=END_SECONDS)


def kinds(folder: Path) -> set[str]:
    """Return what kinds of things there are."""
    return {finding.rpartition(" ")[0] for finding in leftovers.find(folder)}


ALL = {"process", "mount", "control group", "network link", "folder"}


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_run_leaves_nothing(machine: Machine, how: signal.Signals) -> None:
    with held(machine) as (process, folder):
        assert kinds(folder) == ALL
        process.send_signal(how)
        process.wait(END_SECONDS)
        assert leftovers.find(folder) == []


def test_what_a_killed_run_leaves_is_removed_by_the_next(machine: Machine) -> None:
    with held(machine) as (process, folder):
        assert folder not in leftovers.abandoned(Path(tempfile.gettempdir()))
        process.kill()
        process.wait(END_SECONDS)
        assert kinds(folder) == ALL
        assert folder in leftovers.abandoned(Path(tempfile.gettempdir()))
        leftovers.remove(folder)
        assert leftovers.find(folder) == []


def test_a_run_that_fails_leaves_nothing(machine: Machine) -> None:
    with held(machine) as (process, folder):
        process.send_signal(signal.SIGUSR1)
        process.wait(END_SECONDS)
        assert process.returncode == 1
        assert leftovers.find(folder) == []
