"""Starts the service: ``python -m serving.api --host … --port … --workers …``, uvicorn's options.

This process listens and restarts workers that end; it answers no requests itself. As it owns the
socket, callers wait while a worker is replaced, and are not refused: on SIGHUP each worker ends
when its successor answers.
"""

import sys
from pathlib import Path
from typing import Any

import click
from uvicorn import Config
from uvicorn import main as command
from uvicorn.supervisors import Multiprocess

from churn.core.streams import print_any_text
from serving.api.startup import STARTUP_FAILED, own_settings

_LOGGING = Path(__file__).with_name("logging.json")
_NOT_OF_CONFIG = {"reload_dirs", "reload_includes", "reload_excludes"}


def main() -> None:
    """Listen, and run the workers until a signal ends the process."""
    print_any_text()
    config = _config(sys.argv[1:])
    own_settings()
    listening = config.bind_socket()
    listening.listen(config.backlog)
    workers = Multiprocess(config, sockets=[listening])
    workers.run()
    if any(worker.exitcode == STARTUP_FAILED for worker in workers.processes):
        sys.exit(STARTUP_FAILED)


def _config(arguments: list[str]) -> Config:
    """Return uvicorn's configuration from its own options, with our application and logs."""
    ours = ["--factory", "serving.api.app:create_app", "--no-access-log"]
    how = ["--http", "serving.api.http_protocol:HttpProtocol", "--log-config", str(_LOGGING)]
    try:
        context = command.make_context("serving.api", [*ours, *how, *arguments])
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.exceptions.Exit as end:  # after --help or --version
        sys.exit(end.exit_code)
    given: dict[str, Any] = {k: v for k, v in context.params.items() if k not in _NOT_OF_CONFIG}
    given["headers"] = [tuple(header.split(":", 1)) for header in given["headers"]]
    given.pop("app_dir")
    return Config(**given)


if __name__ == "__main__":
    main()
