"""`python -m local up | down | status | run | psql`."""

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Mapping

from churn.core.json_output import is_requested, print_error, print_json
from churn.core.streams import print_any_text
from local import control, health, serving
from local.console import Console
from local.databases import CHURN_DATABASE, PIPELINE
from local.errors import StackError
from local.first_run import published_version, train
from local.foreground import run
from local.network import HOST
from local.stack import Stack, open_stack
from local.summary import places

Command = Callable[[Console, Mapping[str, str]], int]


def up(console: Console, environment: Mapping[str, str]) -> int:
    """Start the stack in the background; train where nothing was ever published."""
    stack = control.up(console, environment)
    if published_version(stack):
        for line in (*places(stack), "", *serving.describe(serving.find_serving(stack))):
            console.show(line)
    else:
        _train(console, stack)
    console.show("Everything runs in the background: `make status` shows it, `make down` stops it.")
    return 0


def _train(console: Console, stack: Stack) -> None:
    try:
        train(console, stack)
    except StackError as error:
        raise StackError(
            f"{error}\nThe stack runs without a model: fix this and trigger churn_training in "
            f"Airflow ({stack.airflow_url}), or stop it with `make down`."
        ) from None


def down(console: Console, environment: Mapping[str, str]) -> int:
    """Stop the stack."""
    control.down(console, environment)
    return 0


def status(console: Console, environment: Mapping[str, str]) -> int:
    """Show the health of each part and which model serves."""
    stack = open_stack(environment)
    parts, served = health.check(stack), serving.find_serving(stack)
    if is_requested():
        print_json({"parts": parts, "serving": served})
    else:
        console.show("\n".join(map(health.describe, parts)) + "\n")
        console.show("\n".join(serving.describe(served)))
    return 0 if all(part.healthy for part in parts) else 1


def psql(_console: Console, environment: Mapping[str, str]) -> int:
    """Open the database as the pipeline's role."""
    stack = open_stack(environment)
    program = str(stack.server.binaries / "psql")
    where = ("-h", HOST, "-p", str(stack.ports.postgres), "-U", PIPELINE, CHURN_DATABASE)
    password = {"PGPASSWORD": stack.passwords[PIPELINE]}  # as an argument it would be seen
    return subprocess.run(
        (program, *where), env={**environment, **password}, check=False
    ).returncode


COMMANDS: Mapping[str, Command] = {
    "up": up,
    "down": down,
    "status": status,
    "run": run,
    "psql": psql,
}


def main() -> int:
    """Run one command; what the operator can fix is reported in one line."""
    print_any_text()
    parser = argparse.ArgumentParser(
        prog="python -m local", description="The stack on this machine, without Docker."
    )
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("--json", action="store_true", help="status as JSON on standard output")
    asked = parser.parse_args()
    if asked.json and asked.command != "status":
        parser.error("--json is for status")
    command = COMMANDS[asked.command]
    try:
        console = Console()
        with console.beating():
            return command(console, os.environ)
    except StackError as error:
        reason = str(error)
    except KeyboardInterrupt:
        reason = "interrupted; `make status` shows what runs, `make down` stops it"
    except PermissionError as error:
        reason = (
            f"{error.filename} cannot be used ({error.strerror}): set CHURN_HOME to a folder of "
            "your own, or run as its owner."
        )
    sys.stderr.write(f"{reason}\n")
    print_error(reason)
    return 1


if __name__ == "__main__":
    sys.exit(main())
