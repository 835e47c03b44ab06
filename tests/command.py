"""The command ``churn``, run as a user does."""

import os
import subprocess
import sys
from pathlib import Path
from typing import BinaryIO, Final

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
        """Run the command as a user does."""
        return subprocess.run(
            [_PROGRAM, *arguments],
            env=self._environment | environment,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
