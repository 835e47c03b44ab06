"""Processes of this stack that outlived their parent, known by a mark in their environment."""

import os
import signal
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from local.environment import PROGRAM_VARIABLE, STACK_VARIABLE

PATIENCE_SECONDS = 10.0
GROUP = ".group"
SESSION = ".session"


@dataclass(frozen=True)
class Mark:
    """What the processes of one stack, or of one of its programs, are known by."""

    stack_id: str
    run: Path
    program: str | None = None

    def holds(self, process: psutil.Process) -> bool:
        """Tell whether a process is in a group of the program, or a session of the stack."""
        if self.program is None:
            return (self.run / f"{os.getsid(process.pid)}{SESSION}").exists()
        return (self.run / f"{self.program}.{os.getpgid(process.pid)}{GROUP}").exists()


def note_origin(mark: Mark) -> None:
    """Remember the session and group of this process, which is about to become the program."""
    forget_origins(mark)
    (mark.run / f"{os.getsid(0)}{SESSION}").touch()
    (mark.run / f"{mark.program}.{os.getpgrp()}{GROUP}").touch()


def forget_origins(mark: Mark) -> None:
    """Forget where the program, or the whole stack, was started; nothing of it is left."""
    patterns = (f"{mark.program}.*{GROUP}",) if mark.program else (f"*{GROUP}", f"*{SESSION}")
    for pattern in patterns:
        for file in mark.run.glob(pattern):
            file.unlink(missing_ok=True)


def marked(mark: Mark) -> list[psutil.Process]:
    """Return the live processes with a mark, save this one and its ancestors."""
    family = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    found = {one for one in psutil.process_iter() if _is_marked(one, mark)}
    tasks = {child for one in found for child in _hidden_children(one)}
    return [process for process in found | tasks if process.pid not in family]


def serving_folder(data: Path) -> list[psutil.Process]:
    """Return the server's processes: they overwrite their environment, but work in its folder."""
    return [process for process in psutil.process_iter() if _works_in(process, data)]


def end(
    processes: Iterable[psutil.Process],
    *,
    with_signal: signal.Signals = signal.SIGTERM,
    patience: float = PATIENCE_SECONDS,
) -> None:
    """Ask processes to end, and kill those that do not listen."""
    remaining = list(processes)
    _send(remaining, with_signal)
    _, deaf = psutil.wait_procs(remaining, timeout=patience)
    _send(deaf, signal.SIGKILL)
    psutil.wait_procs(deaf, timeout=PATIENCE_SECONDS)


def _send(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(
                number
            )  # psutil compares the start time first: a reused id is left alone


def _hidden_children(process: psutil.Process) -> list[psutil.Process]:
    """Return what cannot be read below a process: Airflow gives each task a group of its own."""
    with suppress(psutil.NoSuchProcess):
        return [child for child in process.children(recursive=True) if _hides(child)]
    return []


def _hides(process: psutil.Process) -> bool:
    try:
        process.environ()
    except psutil.AccessDenied:
        return process.uids().real == os.getuid() and _lives(process)
    except psutil.NoSuchProcess:
        return False
    return False


def _is_marked(process: psutil.Process, mark: Mark) -> bool:
    with suppress(psutil.Error, OSError):
        try:
            environment = process.environ()
        except psutil.AccessDenied:
            return is_secretive(process, mark)
        ours = environment.get(STACK_VARIABLE) == mark.stack_id
        named = mark.program in (None, environment.get(PROGRAM_VARIABLE))
        return ours and named and _lives(process)
    return False


def is_secretive(process: psutil.Process, mark: Mark) -> bool:
    """Tell whether an unreadable process is ours.

    Airflow makes what has run a task non-dumpable, so that an ordinary user cannot read its
    environment; its user, title, and process group or session say whose it is.
    """
    ours = process.uids().real == os.getuid() and mark.holds(process)
    return ours and "airflow" in " ".join(process.cmdline()) and _lives(process)


def _works_in(process: psutil.Process, folder: Path) -> bool:
    with suppress(psutil.Error, OSError):
        return process.cwd() == str(folder) and "postgres" in process.name() and _lives(process)
    return False


def _lives(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    return False


def names(processes: Iterable[psutil.Process]) -> Iterator[str]:
    """Yield a line per process for messages."""
    for process in processes:
        with suppress(psutil.Error):
            yield f"{process.pid} {' '.join(process.cmdline())[:80]}"
