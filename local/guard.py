"""Prepare the databases, start the services, and start a killed supervisor again."""

import os
import time
from dataclasses import dataclass

import psutil

from local import envfile, supervisor
from local.errors import StackError
from local.lock import locked
from local.prepare import prepare
from local.programs import SCHEDULER, SERVICES
from local.stack import Stack, open_stack
from local.supervisor import State

PAUSE_SECONDS = 1.0
READY = "ready"
FAILED = "failed: "
DOWN = ("STOPPED", "EXITED", "FATAL")


@dataclass(frozen=True)
class Crew:
    """A scheduler and the processes that run its tasks."""

    scheduler: int
    workers: frozenset[int]

    def lost_one_of(self, before: "Crew") -> bool:
        """Tell whether a worker ended while its scheduler went on."""
        return self.scheduler == before.scheduler and not before.workers <= self.workers


def main() -> None:
    """Guard the stack until the supervisor stops this program."""
    stack, parent = open_stack(os.environ), os.getppid()
    try:
        bring_up(stack)
        crew = Crew(0, frozenset())
        while os.getppid() == parent:
            crew = tend(stack, crew)
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
    _note(stack, READY)


def tend(stack: Stack, crew: Crew) -> Crew:
    """Start services that are down and a scheduler that is stuck; return the workers seen."""
    try:
        states = supervisor.states(stack.layout)
    except OSError:  # it has ended, or is about to
        return crew
    for name in SERVICES:
        if states[name].state in DOWN:
            supervisor.start(stack.layout, name)
    return _tend_scheduler(states[SCHEDULER], crew)


def revive(stack: Stack) -> None:
    """Start the supervisor again after it was killed."""
    with locked(stack.layout):
        if not supervisor.is_running(stack.layout):
            supervisor.spawn(stack)


def _tend_scheduler(scheduler: State, before: Crew) -> Crew:
    """Kill a scheduler that lost a worker.

    LocalExecutor's workers take turns on one queue with a lock that a killed worker keeps for ever:
    no task would start again. The supervisor starts the scheduler anew, and that ends the others.
    """
    try:
        process = psutil.Process(scheduler.pid)
        children = process.children() if scheduler.state == "RUNNING" else []
        crew = Crew(scheduler.pid, frozenset(one.pid for one in children if _is_worker(one)))
        if crew.lost_one_of(before):
            process.kill()
    except psutil.Error:
        return before
    return crew


def _is_worker(process: psutil.Process) -> bool:
    """Tell whether a child of the scheduler runs tasks."""
    try:
        command = " ".join(process.cmdline())
    except psutil.Error:  # it has ended; nobody has asked yet how
        return False
    return "LocalExecutor" in command or "spawn_main" in command  # the latter on macOS


def _note(stack: Stack, text: str) -> None:
    envfile.replace(stack.layout.phase, f"{text}\n")


if __name__ == "__main__":
    main()
