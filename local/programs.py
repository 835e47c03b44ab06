"""The programs the supervisor keeps alive, and how each is started."""

import sys
from dataclasses import dataclass

from local import postgres
from local.environment import airflow_environment, api_environment
from local.network import HOST
from local.stack import Stack

POSTGRES = "postgres"
WATCHDOG = "watchdog"
API = "api"
SCHEDULER = "scheduler"
AIRFLOW_PARTS = ("api-server", SCHEDULER, "dag-processor", "triggerer")
SERVICES = (*AIRFLOW_PARTS, API)
NAMES = (POSTGRES, WATCHDOG, *SERVICES)

# Their log servers have fixed ports, and on one machine the logs are read as files.
_ARGUMENTS = {SCHEDULER: ("--skip-serve-logs",), "triggerer": ("--skip-serve-logs",)}


@dataclass(frozen=True, kw_only=True)
class Program:
    """A command, and its environment in addition to what all programs get."""

    command: tuple[str, ...]
    environment: dict[str, str]


def airflow_command(*arguments: str) -> tuple[str, ...]:
    """Return the command line of one of Airflow's commands."""
    return (sys.executable, "-m", "airflow", *arguments)


def find_program(name: str, stack: Stack) -> Program:
    """Return how a program is started."""
    if name == POSTGRES:
        return Program(command=postgres.command(stack.server), environment={})
    if name == WATCHDOG:
        return Program(command=(sys.executable, "-m", "local.watchdog"), environment={})
    if name == API:
        return Program(command=_api_command(stack), environment=api_environment(stack))
    command = airflow_command(name, *_ARGUMENTS.get(name, ()))
    return Program(command=command, environment=airflow_environment(stack))


def _api_command(stack: Stack) -> tuple[str, ...]:
    address = ("--host", HOST, "--port", str(stack.ports.api))
    return (sys.executable, "-m", "serving.api", *address, "--timeout-graceful-shutdown", "5")
