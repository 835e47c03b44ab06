"""`python -m local up | down | status | run`."""

import argparse
import os
import sys
from collections.abc import Callable, Mapping

from local import control, health
from local.console import Console
from local.errors import StackError
from local.foreground import run
from local.stack import open_stack

Command = Callable[[Console, Mapping[str, str]], int]


def up(console: Console, environment: Mapping[str, str]) -> int:
    """Start the stack in the background."""
    stack = control.up(console, environment)
    console.show(
        f"Airflow  {stack.airflow_url}  (user admin, password: "
        f"AIRFLOW_ADMIN_PASSWORD in {stack.layout.secrets})"
    )
    console.show(f"Service  {stack.api_url}/docs")
    console.show("Stop with `make down`, look with `make status`.")
    return 0


def down(console: Console, environment: Mapping[str, str]) -> int:
    """Stop the stack."""
    control.down(console, environment)
    return 0


def status(console: Console, environment: Mapping[str, str]) -> int:
    """Show the health of each part."""
    parts = health.check(open_stack(environment))
    for part in parts:
        console.show(health.describe(part))
    return 0 if all(part.healthy for part in parts) else 1


COMMANDS: Mapping[str, Command] = {"up": up, "down": down, "status": status, "run": run}


def main() -> int:
    """Run one command; what the operator can mend is told in one line."""
    parser = argparse.ArgumentParser(
        prog="python -m local", description="The stack on this machine, without Docker."
    )
    parser.add_argument("command", choices=COMMANDS)
    command = COMMANDS[parser.parse_args().command]
    try:
        return command(Console(), os.environ)
    except StackError as error:
        sys.stderr.write(f"{error}\n")
    except PermissionError as error:
        sys.stderr.write(
            f"{error.filename} cannot be used ({error.strerror}): set CHURN_HOME to a folder of "
            "your own, or run as its owner.\n"
        )
    return 1


if __name__ == "__main__":
    sys.exit(main())
