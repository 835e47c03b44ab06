"""Programs end with their parent, and leftovers are found and ended; strangers are left alone."""

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from local import leftovers
from local.guard import Crew
from local.leftovers import Mark

NOWHERE = Path("/nonexistent")
SLEEP = (sys.executable, "-c", "import time; time.sleep(60)")
DEAF = (
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "print(1, flush=True); time.sleep(60)",
)


@contextmanager
def child(
    command: tuple[str, ...], *, stack: str = "", program: str = ""
) -> Iterator[subprocess.Popen[bytes]]:
    marks = {"CHURN_STACK_ID": stack, "CHURN_PROGRAM": program}
    process = subprocess.Popen(command, env={**os.environ, **marks}, stdout=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def eventually(condition: Callable[[], bool], seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def test_only_processes_with_the_mark_are_leftovers() -> None:
    ours, theirs = secrets.token_hex(8), secrets.token_hex(8)
    with child(SLEEP, stack=ours, program="api") as api, child(SLEEP, stack=theirs, program="api"):
        assert eventually(lambda: bool(leftovers.marked(Mark(ours, NOWHERE))))
        assert [one.pid for one in leftovers.marked(Mark(ours, NOWHERE))] == [api.pid]


def test_leftovers_of_one_program_do_not_include_another() -> None:
    ours = secrets.token_hex(8)
    with (
        child(SLEEP, stack=ours, program="api"),
        child(SLEEP, stack=ours, program="scheduler") as scheduler,
    ):
        found = leftovers.marked(Mark(ours, NOWHERE, "scheduler"))
        assert [one.pid for one in found] == [scheduler.pid]


def test_a_leftover_that_ignores_the_polite_signal_is_killed() -> None:
    ours = secrets.token_hex(8)
    with child(DEAF, stack=ours) as deaf:
        assert deaf.stdout is not None
        deaf.stdout.readline()
        leftovers.end(leftovers.marked(Mark(ours, NOWHERE)), patience=0.2)
        assert not psutil.pid_exists(deaf.pid)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the signal is Linux's")
def test_a_tethered_program_ends_when_its_parent_is_killed() -> None:
    tether = f"[{sys.executable!r}, '-m', 'local.tether', '--', 'sleep', '60']"
    parent = f"import subprocess; print(subprocess.Popen({tether}).pid, flush=True); input()"
    with subprocess.Popen(
        (sys.executable, "-c", parent), stdout=subprocess.PIPE, stdin=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        sleeper = psutil.Process(int(process.stdout.readline()))
        assert eventually(lambda: sleeper.name() == "sleep")
        process.kill()
        process.wait()
        assert eventually(lambda: not sleeper.is_running() or sleeper.status() == "zombie")


SECRETIVE = (
    sys.executable,
    "-c",
    "import ctypes, time, sys; ctypes.CDLL(None).prctl(4, 0, 0, 0, 0);"
    "print(1, flush=True); time.sleep(60)  # airflow",
)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the hiding is Linux's")
def test_a_process_that_hides_its_environment_is_known_by_its_group(tmp_path: Path) -> None:
    mark = Mark("ours", tmp_path, "scheduler")
    with subprocess.Popen(SECRETIVE, stdout=subprocess.PIPE, process_group=0) as hidden:
        try:
            assert hidden.stdout is not None
            hidden.stdout.readline()
            process = psutil.Process(hidden.pid)
            assert not leftovers.is_secretive(process, mark)
            (tmp_path / f"scheduler.{hidden.pid}.group").touch()
            assert leftovers.is_secretive(process, mark)
            assert not leftovers.is_secretive(process, Mark("ours", tmp_path))
            (tmp_path / f"{os.getsid(hidden.pid)}.session").touch()
            assert leftovers.is_secretive(process, Mark("ours", tmp_path))
            leftovers.forget_origins(Mark("ours", tmp_path))
            assert list(tmp_path.iterdir()) == []
        finally:
            hidden.kill()


def test_a_lost_worker_is_noticed_only_while_its_scheduler_goes_on() -> None:
    before = Crew(10, frozenset({11, 12}))
    assert Crew(10, frozenset({11, 13})).lost_one_of(before)
    assert not Crew(10, frozenset({11, 12, 13})).lost_one_of(before)
    assert not Crew(20, frozenset({21})).lost_one_of(before)
