"""`make run`: the stack in the foreground, a first training run, all stopped at the end."""

import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FrameType

from local import control, supervisor
from local.console import Console
from local.errors import StackError
from local.first_run import train
from local.layout import Layout, create_home, find_layout
from local.stack import Stack

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PAUSE_SECONDS = 1.0
# The guard starts a killed supervisor again; a longer silence is a failure.
GONE_SECONDS = 30.0


class Stopped(Exception):  # noqa: N818 - a wish, not an error
    """The operator asked to stop."""


def run(console: Console, environment: Mapping[str, str]) -> int:
    """Start the stack, train, show what came of it, and wait until asked to stop."""
    with _stop_signals():
        try:
            return _run(console, environment)
        except Stopped:
            console.show()
            return 0
        finally:
            _ignore_signals()
            control.down(console, environment)


def _run(console: Console, environment: Mapping[str, str]) -> int:
    layout = find_layout(environment)
    create_home(layout)
    with _noted(layout):
        stack = control.up(console, environment)
        train(console, stack)
        console.say("everything runs; Ctrl-C stops it", awaited="")
        _wait(stack)
    raise StackError(f"The stack in {layout.home} has gone; see {layout.logs}.")


@contextmanager
def _noted(layout: Layout) -> Iterator[None]:
    """Leave our process id for whoever stops the stack from another terminal."""
    layout.foreground.write_text(str(os.getpid()))
    try:
        yield
    finally:
        layout.foreground.unlink(missing_ok=True)


def _wait(stack: Stack) -> None:
    seen, parent = time.monotonic(), os.getppid()
    while time.monotonic() - seen < GONE_SECONDS:
        if os.getppid() != parent:  # make or the terminal was killed: nobody could press Ctrl-C
            raise Stopped
        time.sleep(PAUSE_SECONDS)
        if supervisor.is_running(stack.layout):
            seen = time.monotonic()


@contextmanager
def _stop_signals() -> Iterator[None]:
    former = {number: signal.signal(number, _stop) for number in STOPPING if _is_heard(number)}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def _is_heard(number: signal.Signals) -> bool:
    """Tell whether a signal is ours to handle: nohup's wish to ignore a lost terminal is kept."""
    return number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise Stopped


def _ignore_signals() -> None:
    for number in STOPPING:
        signal.signal(number, signal.SIG_IGN)
