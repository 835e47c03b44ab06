"""The processes of a stack, known by a mark in their environment, also when their parent ended."""

import os
import signal
import time
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from local.environment import STACK_VARIABLE

PATIENCE_SECONDS = 10.0
PAUSE_SECONDS = 0.05
SESSION = ".session"


@dataclass(frozen=True)
class Mark:
    """What the processes of one stack are known by."""

    stack_id: str
    run: Path

    def note_session(self) -> None:
        """Record the session that this process shares with all that the supervisor started."""
        (self.run / f"{os.getsid(0)}{SESSION}").touch()

    def forget_sessions(self) -> None:
        """Remove the records; no process of the stack is left."""
        for file in self.run.glob(f"*{SESSION}"):
            file.unlink(missing_ok=True)

    def is_on(self, process: psutil.Process) -> bool:
        """Return whether a live process is of the stack.

        Airflow makes what has run a task non-dumpable, so that an ordinary user cannot read its
        environment; such a process is known by its user, title and session.
        """
        with suppress(psutil.Error, OSError):
            if process.status() == psutil.STATUS_ZOMBIE:
                return False
            try:
                return process.environ().get(STACK_VARIABLE) == self.stack_id
            except psutil.AccessDenied:
                return self.is_on_unreadable(process)
        return False

    def is_on_unreadable(self, process: psutil.Process) -> bool:
        """Return whether a process whose environment cannot be read is of the stack."""
        owned = process.uids().real == os.getuid() and "airflow" in " ".join(process.cmdline())
        return owned and (self.run / f"{os.getsid(process.pid)}{SESSION}").exists()


def find(mark: Mark) -> set[psutil.Process]:
    """Return the live processes of a stack, except this one and its ancestors."""
    found = {process for process in psutil.process_iter() if mark.is_on(process)}
    this = psutil.Process()
    return found - {this, *this.parents()}


def find_orphans(mark: Mark, data: Path) -> set[psutil.Process]:
    """Return those that do not descend from this process's parent, the live supervisor.

    The database server, which works in ``data``, is ended on its own.
    """
    found = find(mark)
    supervised = psutil.Process(os.getppid()).children(recursive=True)
    return found.difference(supervised, find_server(data))


def find_server(data: Path) -> set[psutil.Process]:
    """Return the database server's processes, which overwrite their environment."""
    return {process for process in psutil.process_iter() if _works_in(process, data)}


def end(
    processes: Iterable[psutil.Process],
    *,
    with_signal: signal.Signals = signal.SIGTERM,
    patience: float = PATIENCE_SECONDS,
) -> None:
    """Send a signal to processes, and kill those that do not end in time."""
    remaining = list(processes)
    _send(remaining, with_signal)
    alive = wait(remaining, timeout=patience)
    _send(alive, signal.SIGKILL)
    wait(alive, timeout=PATIENCE_SECONDS)


def wait(processes: Collection[psutil.Process], *, timeout: float) -> list[psutil.Process]:
    """Return those that have not ended in time; a zombie has ended.

    `psutil.wait_procs` waits until the parent has read the exit status. The supervisor's
    parent may be a `make run` that waits for the lock which the caller holds.
    """
    deadline = time.monotonic() + timeout
    while (alive := [one for one in processes if not _has_ended(one)]) and (
        time.monotonic() < deadline
    ):
        time.sleep(PAUSE_SECONDS)
    return alive


def _has_ended(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    return True


def _send(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):  # also where the id now belongs to another process
            process.send_signal(number)


def _works_in(process: psutil.Process, folder: Path) -> bool:
    with suppress(psutil.Error, OSError):
        is_server = process.cwd() == str(folder) and "postgres" in process.name()
        return is_server and process.status() != psutil.STATUS_ZOMBIE
    return False
