"""A file that takes long enough to load to have a middle, and the command that loads it."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

ROWS: Final = 200_000
SUM: Final = "SELECT coalesce(sum(monthly_charges), 0)::int FROM customers"


def start(url: str, path: Path) -> subprocess.Popen[str]:
    """Start to load a file in a process of its own."""
    return subprocess.Popen(
        [Path(sys.executable).with_name("churn"), "load", path],
        env={
            "PATH": os.environ["PATH"],
            "CHURN_HOME": str(path.parent),
            "CHURN_DATABASE_URL": url,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> str:
    """Wait for the end of a load that must succeed; return what it printed."""
    out, error = process.communicate(timeout=120)
    assert process.returncode == 0, error
    return out
