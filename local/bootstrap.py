"""Make or fix the project's environment: standard library only, any Python 3.11 or later.

`python3 -m local.bootstrap` creates .venv, installs exactly what the lock lists, and writes a
stamp. A missing or different stamp means that an installation was interrupted or is of another
lock: it is done again.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from local import installing
from local.console import Console
from local.installing import Output, Progress

PROJECT = Path(__file__).resolve().parents[1]
ENVIRONMENT = PROJECT / ".venv"
STAMP = ENVIRONMENT / "installed"
LOCK = PROJECT / "locks" / "dev.lock"
PIP_LOCK = PROJECT / "locks" / "bootstrap.lock"
INGREDIENTS = ("pyproject.toml", "locks/bootstrap.lock", "locks/dev.lock", "local/bootstrap.py")
OLDEST = (3, 11)
CONSOLE = Console()
SILENT = {
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_PROGRESS_BAR": "off",
    "PYTHONWARNINGS": "ignore",
    "UV_LINK_MODE": "copy",
}


class BootstrapError(Exception):
    """What went wrong and how to fix it, in one line."""


def fingerprint(project: Path, version: tuple[int, int]) -> str:
    """Return a hash of all that decides what is installed."""
    digest = hashlib.sha256(repr(version).encode())
    for name in INGREDIENTS:
        digest.update((project / name).read_bytes())
    return digest.hexdigest()


def is_installed(stamp: Path, wanted: str) -> bool:
    """Tell whether the environment was installed to its end from the same ingredients."""
    return stamp.exists() and stamp.read_text().strip() == wanted


def explain(output: str, what: str) -> str:
    """Return one line with the reason why a step failed and how to fix it."""
    text = output.lower()
    if "ensurepip" in text or "python3-venv" in text:
        return "This Python has no venv: `apt install python3-venv`, then run make again."
    if any(
        sign in text
        for sign in ("name resolution", "connection", "timed out", "network", "dns error")
    ):
        return f"{what}: the package index does not answer. Check the network, run make again."
    if "no space left" in text:
        return f"{what} filled the disk: free about 2 GB and run make again."
    return f"{what} failed: {installing.last_line(output)} (run make again to retry)"


def main() -> int:
    """Install unless the stamp shows that it is done."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        with CONSOLE.beating():
            install()
    except BootstrapError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"{error.filename}: {error.strerror}. Work in a clone of your own.\n")
        return 1
    return 0


def install() -> None:
    """Bring the environment to the state of the lock."""
    if sys.version_info < OLDEST:
        found = ".".join(map(str, sys.version_info[:3]))
        raise BootstrapError(
            f"Python 3.11 or later is needed, {sys.executable} is {found}: "
            "name one with PYTHON=<path>."
        )
    wanted = fingerprint(PROJECT, sys.version_info[:2])
    with alone():
        damaged = installing.damaged_packages(ENVIRONMENT)
        if is_installed(STAMP, wanted) and not damaged:
            return
        for record in damaged:  # uv then sees that the package is missing
            CONSOLE.say(f"installing again {record.name.removesuffix('.dist-info')}")
            shutil.rmtree(record)
        STAMP.unlink(missing_ok=True)
        CONSOLE.say("setting up .venv; the first time takes a few minutes")
        create_environment()
        install_packages()
        STAMP.write_text(f"{wanted}\n")
        CONSOLE.say("the environment is ready", awaited="")


@contextmanager
def alone() -> Iterator[None]:
    """Let one installation run at a time."""
    with (PROJECT / ".bootstrap.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            CONSOLE.say("another installation is running; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def create_environment() -> None:
    """Create .venv, anew when it is broken or of another Python."""
    check = (
        "import sys, pip; sys.exit(sys.version_info[:2] != "
        + repr(tuple(sys.version_info[:2]))
        + ")"
    )
    if python().exists() and _succeeds([str(python()), "-c", check]):
        return
    step(
        "creating the virtual environment",
        [sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT)],
    )


def install_packages() -> None:
    """Install the installer, what the lock lists, and the project itself."""
    step("installing uv", [*pip(), "-r", str(PIP_LOCK)])
    install_locked()
    project = ["--no-deps", "--no-build-isolation", "--offline", "-e", str(PROJECT)]
    step("installing the project", [*uv("install"), *project])


def install_locked() -> None:
    """Install the locked packages with uv, or with pip where only pip knows where they are."""
    sync = [*uv("sync"), "--require-hashes", "--compile-bytecode", str(LOCK)]
    total = sum("==" in line for line in LOCK.read_text(encoding="utf-8").splitlines())
    what = f"installing {total} packages with"
    if failed := attempt(f"{what} uv", sync, installing.uv_progress):
        CONSOLE.say(f"uv cannot install them here ({installing.last_line(failed)}); trying pip")
        base = {"base": str(ENVIRONMENT), "platbase": str(ENVIRONMENT)}
        packages = Path(sysconfig.get_path("purelib", "venv", vars=base))
        progress = partial(installing.pip_progress, total=total, packages=packages)
        step(f"{what} pip", [*pip(), "-r", str(LOCK)], progress)


def pip() -> list[str]:
    """Return pip's command for what has hashes."""
    return [str(python()), "-m", "pip", "install", "--require-hashes"]


def uv(command: str) -> list[str]:
    """Return one of uv's commands for the environment."""
    return [str(python()), "-m", "uv", "pip", command, "--python", str(python())]


def step(what: str, command: Sequence[str], progress: Progress = lambda _: "") -> None:
    """Run one command; raise what it failed with."""
    if failed := attempt(what, command, progress):
        raise BootstrapError(explain(failed, what))


def attempt(what: str, command: Sequence[str], progress: Progress) -> str:
    """Run one command, showing how far it is; return what it printed if it failed."""
    output = Output()
    CONSOLE.say(what, awaited=lambda: ": ".join(filter(None, (what, progress(output.text)))))
    environment = {**os.environ, **SILENT}
    code = installing.run(command, folder=PROJECT, environment=environment, output=output)
    return (output.text.strip() or "no output") if code else ""


def python() -> Path:
    """Return the environment's interpreter."""
    return ENVIRONMENT / "bin" / "python"


def _succeeds(command: Sequence[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
