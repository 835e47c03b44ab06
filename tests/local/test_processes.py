"""Programs end with their parent; orphan processes are ended, and those of others left alone."""

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from local import orphans
from local.orphans import Mark
from local.watchdog import Workers

NOWHERE = Path("/nonexistent")
SLEEP = (sys.executable, "-c", "import time; time.sleep(60)")
DEAF = (
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "print(1, flush=True); time.sleep(60)",
)


@contextmanager
def child(command: tuple[str, ...], *, stack: str = "") -> Iterator[subprocess.Popen[bytes]]:
    environment = {**os.environ, "CHURN_STACK_ID": stack}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)
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


def test_only_processes_with_the_mark_are_of_the_stack() -> None:
    ours, theirs = secrets.token_hex(8), secrets.token_hex(8)
    with child(SLEEP, stack=ours) as api, child(SLEEP, stack=theirs):
        assert eventually(lambda: bool(orphans.find(Mark(ours, NOWHERE))))
        assert [one.pid for one in orphans.find(Mark(ours, NOWHERE))] == [api.pid]


# As supervisord starts a program: it lists the orphan processes of the stack.
PROGRAM = (
    sys.executable,
    "-c",
    "import sys; from pathlib import Path; from local.orphans import Mark, find_orphans;"
    "print(*(one.pid for one in find_orphans(Mark(sys.argv[1], Path()), Path('/none'))))",
)
SUPERVISOR = """
import subprocess, sys
running = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
try:
    subprocess.run(sys.argv[1:], check=True)
finally:
    running.kill()
    running.wait()
"""


def test_what_the_live_supervisor_started_is_no_orphan_and_what_a_former_one_did_is() -> None:
    ours = secrets.token_hex(8)
    with child(SLEEP, stack=ours) as orphan:
        assert eventually(lambda: bool(orphans.find(Mark(ours, NOWHERE))))
        done = subprocess.run(
            (sys.executable, "-c", SUPERVISOR, *PROGRAM, ours),
            env={**os.environ, "CHURN_STACK_ID": ours},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.split() == [str(orphan.pid)]


def test_an_orphan_process_that_ignores_the_first_signal_is_killed() -> None:
    ours = secrets.token_hex(8)
    with child(DEAF, stack=ours) as deaf:
        assert deaf.stdout is not None
        deaf.stdout.readline()
        orphans.end(orphans.find(Mark(ours, NOWHERE)), patience=0.2)
        assert deaf.poll() == -signal.SIGKILL


def test_a_process_has_ended_also_when_its_parent_does_not_ask_for_its_exit_status() -> None:
    child = f"subprocess.Popen([{sys.executable!r}, '-c', 'import time; time.sleep(60)'])"
    parent = f"import subprocess; child = {child}; print(child.pid, flush=True); input()"
    with subprocess.Popen(
        (sys.executable, "-c", parent), stdout=subprocess.PIPE, stdin=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        sleeper = psutil.Process(int(process.stdout.readline()))
        began = time.monotonic()
        orphans.end([sleeper])
        assert time.monotonic() - began < 5
        assert sleeper.status() == psutil.STATUS_ZOMBIE
        process.communicate()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the signal is Linux's")
def test_a_program_ends_when_its_parent_is_killed() -> None:
    command = f"[{sys.executable!r}, '-m', 'local.parent_death', '--', 'sleep', '60']"
    parent = f"import subprocess; print(subprocess.Popen({command}).pid, flush=True); input()"
    with subprocess.Popen(
        (sys.executable, "-c", parent), stdout=subprocess.PIPE, stdin=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        sleeper = psutil.Process(int(process.stdout.readline()))
        assert eventually(lambda: sleeper.name() == "sleep")
        process.kill()
        process.wait()
        assert eventually(lambda: not sleeper.is_running() or sleeper.status() == "zombie")


UNREADABLE = (
    sys.executable,
    "-c",
    "import ctypes, time, sys; ctypes.CDLL(None).prctl(4, 0, 0, 0, 0);"
    "print(1, flush=True); time.sleep(60)  # airflow",
)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="prctl is Linux's")
def test_a_process_whose_environment_cannot_be_read_is_known_by_its_session(tmp_path: Path) -> None:
    mark = Mark("ours", tmp_path)
    with subprocess.Popen(UNREADABLE, stdout=subprocess.PIPE, process_group=0) as hidden:
        try:
            assert hidden.stdout is not None
            hidden.stdout.readline()
            process = psutil.Process(hidden.pid)
            assert not mark.is_on_unreadable(process)
            mark.note_session()
            assert mark.is_on_unreadable(process)
            mark.forget_sessions()
            assert not mark.is_on_unreadable(process)
            assert list(tmp_path.iterdir()) == []
        finally:
            hidden.kill()


def test_a_lost_worker_is_noticed_only_while_its_scheduler_goes_on() -> None:
    before = Workers(10, frozenset({11, 12}))
    assert Workers(10, frozenset({11, 13})).lost_one_of(before)
    assert not Workers(10, frozenset({11, 12, 13})).lost_one_of(before)
    assert not Workers(20, frozenset({21})).lost_one_of(before)
