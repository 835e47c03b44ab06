"""The command ``churn``, run as a user does."""

import os
import subprocess
import sys
from pathlib import Path

from churn.registry.store import ModelStore


class Churn:
    """The command, in an installation of its own."""

    def __init__(self, home: Path, database_url: str) -> None:
        self.database_url = database_url
        self.store = ModelStore(home / "models")
        self._home = home

    def __call__(
        self, *arguments: str | Path, stdin: str = "", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run the command as a user does."""
        return subprocess.run(
            [Path(sys.executable).with_name("churn"), *arguments],
            env={
                "PATH": os.environ["PATH"],
                "CHURN_HOME": str(self._home),
                "CHURN_DATABASE_URL": self.database_url,
                **environment,
            },
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
