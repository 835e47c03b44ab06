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
# The watchdog starts a killed supervisor again; a longer silence is a failure.
GONE_SECONDS = 30.0


class Stopped(Exception):  # noqa: N818 - a request, not an error
    """The operator stopped the stack."""


def run(console: Console, environment: Mapping[str, str]) -> int:
    """Start the stack, train, show the result, and wait for a signal to stop."""
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
    """Write down our process id, for a `make down` in another terminal."""
    layout.foreground.write_text(str(os.getpid()))
    try:
        yield
    finally:
        layout.foreground.unlink(missing_ok=True)


def _wait(stack: Stack) -> None:
    seen, parent = time.monotonic(), os.getppid()
    while time.monotonic() - seen < GONE_SECONDS:
        if (
            os.getppid() != parent
        ):  # make or the terminal was killed: Ctrl-C can no longer be pressed
            raise Stopped
        time.sleep(PAUSE_SECONDS)
        if supervisor.is_running(stack.layout):
            seen = time.monotonic()


@contextmanager
def _stop_signals() -> Iterator[None]:
    former = {number: signal.signal(number, _stop) for number in STOPPING if _is_handled(number)}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def _is_handled(number: signal.Signals) -> bool:
    """Return whether a signal is ours to handle: under nohup, SIGHUP stays ignored."""
    return number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise Stopped


def _ignore_signals() -> None:
    for number in STOPPING:
        signal.signal(number, signal.SIG_IGN)
