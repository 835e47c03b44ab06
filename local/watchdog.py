"""Prepare the databases, start the services, and start a killed supervisor again."""

import os
import time
from dataclasses import dataclass

import psutil

from local import envfile, supervisor
from local.errors import StackError
from local.lock import locked
from local.prepare import prepare
from local.programs import SCHEDULER
from local.stack import Stack, open_stack
from local.supervisor import State

PAUSE_SECONDS = 1.0
READY = "ready"
FAILED = "failed: "


@dataclass(frozen=True)
class Workers:
    """A scheduler and the processes that run its tasks, by their ids."""

    scheduler: int
    workers: frozenset[int]

    def lost_one_of(self, before: "Workers") -> bool:
        """Return whether a worker ended while its scheduler went on."""
        return self.scheduler == before.scheduler and not before.workers <= self.workers


def main() -> None:
    """Watch the stack until the supervisor stops this program."""
    stack, parent = open_stack(os.environ), os.getppid()
    try:
        bring_up(stack)
        seen = Workers(0, frozenset())
        while os.getppid() == parent:
            seen = watch_scheduler(stack, seen)
            time.sleep(PAUSE_SECONDS)
    finally:
        if os.getppid() != parent:
            revive(stack)


def bring_up(stack: Stack) -> None:
    """Prepare the databases and start the services."""
    try:
        prepare(stack, say=lambda text: _note(stack, text))
    except StackError as error:
        _note(stack, f"{FAILED}{error}")
        raise
    supervisor.start_services(stack.layout)
    _note(stack, READY)


def revive(stack: Stack) -> None:
    """Start the supervisor again after it was killed."""
    with locked(stack.layout):
        if not supervisor.is_running(stack.layout):
            supervisor.spawn(stack)


def watch_scheduler(stack: Stack, before: Workers) -> Workers:
    """Kill a scheduler that lost a worker; return the workers seen.

    LocalExecutor's workers take turns on one queue with a lock that a killed worker keeps for ever:
    no task would start again. The supervisor starts the scheduler anew, and that ends the others.
    """
    try:
        scheduler = supervisor.states(stack.layout)[SCHEDULER]
        seen = _workers_of(scheduler)
        if seen.lost_one_of(before):
            psutil.Process(scheduler.pid).kill()
    except (OSError, psutil.Error):  # the supervisor or the scheduler has ended
        return before
    return seen


def _workers_of(scheduler: State) -> Workers:
    running = scheduler.state == "RUNNING"
    children = psutil.Process(scheduler.pid).children() if running else []
    return Workers(scheduler.pid, frozenset(one.pid for one in children if _is_worker(one)))


def _is_worker(process: psutil.Process) -> bool:
    """Return whether a child of the scheduler runs tasks."""
    try:
        command = " ".join(process.cmdline())
    except psutil.Error:  # it has ended
        return False
    return "LocalExecutor" in command or "spawn_main" in command  # the latter on macOS


def _note(stack: Stack, text: str) -> None:
    envfile.replace(stack.layout.phase, f"{text}\n")


if __name__ == "__main__":
    main()
