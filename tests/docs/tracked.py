"""The files that git knows."""

import shutil
import subprocess
from collections.abc import Sequence

from local.layout import PROJECT

GIT = shutil.which("git") or "git"


def listed(*options: str) -> Sequence[str]:
    """Return the paths from the project's folder, as `git ls-files` does."""
    found = subprocess.check_output([GIT, "ls-files", "-z", *options], cwd=PROJECT)
    return [name for name in found.decode().split("\0") if name]
