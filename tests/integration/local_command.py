"""Runs the commands of the Docker-free stack as an operator does."""

import os
import subprocess
import sys
from collections.abc import Mapping

from local.layout import PROJECT


def local(command: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run `python -m local COMMAND` with an environment of its own."""
    return subprocess.run(
        (sys.executable, "-m", "local", command),
        cwd=PROJECT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
