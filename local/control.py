"""Start and stop a stack."""

import os
import time
from collections.abc import Mapping
from contextlib import suppress

import psutil

from local import credentials, health, orphans, postgres, supervisor
from local.console import Console
from local.errors import StackError
from local.launch import clear_postgres
from local.layout import Layout, create_home, find_layout
from local.lock import locked
from local.orphans import Mark
from local.stack import Stack, create_stack, open_stack
from local.watchdog import FAILED, READY

START_SECONDS = 300.0
STOP_SECONDS = 90.0
FOREGROUND_SECONDS = 60.0
PAUSE_SECONDS = 0.25
BLOCKED = "waiting for another start or stop of this stack"


def up(console: Console, environment: Mapping[str, str]) -> Stack:
    """Start the stack unless it runs, and return when every part is healthy."""
    layout = find_layout(environment)
    create_home(layout)
    with locked(layout, blocked=lambda: console.say(BLOCKED)):
        if supervisor.is_running(layout):
            console.say(f"the stack in {layout.home} is already running")
            stack = open_stack(environment)
        else:
            stack = launch(console, layout, environment)
    try:
        wait_healthy(console, stack)
    except StackError:
        down(console, environment)
        raise
    return stack


def launch(console: Console, layout: Layout, environment: Mapping[str, str]) -> Stack:
    """Start the supervisor, which starts the rest."""
    sweep(layout)
    stack = create_stack(environment)
    layout.phase.unlink(missing_ok=True)
    if not layout.database.exists():
        console.say(f"creating a PostgreSQL server in {layout.database}")
    postgres.initialise(stack.server)
    console.say(
        "starting PostgreSQL, then Airflow (api-server, scheduler, dag-processor, triggerer) "
        "and the service"
    )
    supervisor.spawn(stack)
    return stack


def wait_healthy(console: Console, stack: Stack) -> None:
    """Return when every part answers; show what is awaited, and give up with the reason."""
    deadline, shown = time.monotonic() + START_SECONDS, ""
    waiting = _waiting_for(stack)
    while waiting:
        if waiting != shown:
            console.say(waiting)
            shown = waiting
        if waiting.startswith(FAILED) or time.monotonic() > deadline:
            raise StackError(f"The stack did not start: {waiting}. Logs: {stack.layout.logs}")
        time.sleep(PAUSE_SECONDS)
        waiting = _waiting_for(stack)
    console.say("every part is up and healthy", awaited="")


def down(console: Console, environment: Mapping[str, str]) -> None:
    """Stop the stack with everything it started, also where its supervisor has ended."""
    layout = find_layout(environment)
    if not layout.run.exists():
        console.say(f"there is no stack in {layout.home}")
        return
    foreground = _foreground(layout)
    if foreground:
        console.say("stopping the `make run` of another terminal")
        foreground.terminate()
    with locked(layout, blocked=lambda: console.say(BLOCKED)):
        if supervisor.is_running(layout):
            console.say("stopping every part")
            _shut_down(layout)
        sweep(layout)
        layout.phase.unlink(missing_ok=True)
    if foreground:
        orphans.wait([foreground], timeout=FOREGROUND_SECONDS)
    console.say("stopped; nothing of this stack is running", awaited="")


def _foreground(layout: Layout) -> psutil.Process | None:
    """Return the `make run` of another terminal that this stack belongs to."""
    with suppress(OSError, ValueError, psutil.Error):
        process = psutil.Process(int(layout.foreground.read_text()))
        if process.pid != os.getpid() and "local" in process.cmdline():
            return process
    return None


def sweep(layout: Layout) -> None:
    """End every process of the stack, and no other."""
    if not layout.secrets.exists():
        return
    mark = Mark(credentials.load(layout.secrets).stack_id, layout.run)
    # The server first: SIGINT is its fast shutdown, on SIGTERM it would wait for its clients.
    clear_postgres(layout)
    while left := orphans.find(mark):
        orphans.end(left)
    mark.forget_sessions()


def _shut_down(layout: Layout) -> None:
    with suppress(OSError):
        supervisor.shut_down(layout)
    deadline = time.monotonic() + STOP_SECONDS
    while layout.socket.exists() and supervisor.answers(layout) and time.monotonic() < deadline:
        time.sleep(PAUSE_SECONDS)


def _waiting_for(stack: Stack) -> str:
    phase = (
        stack.layout.phase.read_text().strip()
        if stack.layout.phase.exists()
        else "waiting for the supervisor"
    )
    if phase != READY:
        return phase
    missing = [part.name for part in health.check(stack) if not part.healthy]
    return f"waiting for {', '.join(missing)}" if missing else ""
