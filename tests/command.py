"""The command ``churn``, run in the test's process or in one of its own."""

import logging
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Final
from unittest.mock import patch

from click.testing import CliRunner

from churn.cli.main import main
from churn.registry.store import ModelStore

_PROGRAM: Final = Path(sys.executable).with_name("churn")


class Churn:
    """The command, in an installation of its own."""

    def __init__(self, home: Path, database_url: str) -> None:
        self.database_url = database_url
        self.store = ModelStore(home / "models")
        self._home = home

    @property
    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "CHURN_HOME": str(self._home),
            "CHURN_DATABASE_URL": self.database_url,
        }

    def with_streams(
        self,
        *arguments: str | Path,
        stdin: BinaryIO | None = None,
        stdout: BinaryIO | None = None,
    ) -> subprocess.CompletedProcess[bytes]:
        """Run the command with files as its streams."""
        return subprocess.run(
            [_PROGRAM, *arguments],
            env=self._environment,
            stdin=stdin or subprocess.DEVNULL,
            stdout=stdout or subprocess.PIPE,
            stderr=subprocess.PIPE,
            check=False,
            timeout=120,
        )

    def started(self, *arguments: str | Path) -> subprocess.Popen[bytes]:
        """Start the command; its input and output are pipes."""
        pipe = subprocess.PIPE
        command = [_PROGRAM, *arguments]
        return subprocess.Popen(
            command, env=self._environment, stdin=pipe, stdout=pipe, stderr=pipe
        )

    def __call__(
        self, *arguments: str | Path, stdin: str = "", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run the command in this process, which saves the start of another."""
        with _isolated(stdin, self._environment | environment) as (out, error):
            code = _exit_code(list(map(str, arguments)))
            printed = out.getvalue().decode(), error.getvalue().decode()
        return subprocess.CompletedProcess([_PROGRAM, *arguments], code, *printed)

    def process(
        self, *arguments: str | Path, stdin: str = "", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run the command in a process of its own, as a user does."""
        return subprocess.run(
            [_PROGRAM, *arguments],
            env=self._environment | environment,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )


def _exit_code(arguments: list[str]) -> int:
    try:
        with patch.object(sys, "argv", ["churn", *arguments]):
            main()
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


@contextmanager
def _isolated(stdin: str, environment: Mapping[str, str]) -> Iterator[tuple[BytesIO, BytesIO]]:
    """Give a command streams, an environment and a root logger without handlers."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers.clear()
    streams = CliRunner().isolation(stdin, environment)
    try:
        with patch.dict(os.environ, clear=True), streams as (out, error, _):
            yield out, error
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
