"""A disk that is easily full."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(folder: Path, *, megabytes: int) -> Iterator[Path]:
    """Mount a disk of its own at a folder that everybody may pass; that takes root."""
    for parent in (folder, folder.parent, folder.parent.parent):
        parent.chmod(0o755)
    size = f"size={megabytes}m"
    mount = [shutil.which("mount") or "mount", "-t", "tmpfs", "-o", size, "tmpfs", str(folder)]
    umount = shutil.which("umount")
    if not umount or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("a small disk cannot be mounted here (that takes root)")
    try:
        folder.chmod(0o755)
        yield folder
    finally:
        subprocess.run([umount, "--lazy", folder], check=True)


def fill(disk: Path, *, leave_mb: int) -> Path:
    """Put a file there that leaves so much; return it."""
    ballast = disk / "ballast"
    with ballast.open("wb") as file:
        missing = shutil.disk_usage(disk).free - leave_mb * 1_000_000
        file.write(bytes(missing))
    return ballast
