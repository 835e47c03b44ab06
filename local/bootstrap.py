"""Make or mend the project's environment: standard library only, any Python 3.11 or later.

`python3 local/bootstrap.py` creates .venv, installs exactly what the lock says, and writes a stamp.
A missing or different stamp means that an installation was interrupted or is of another lock: it is
done again.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
ENVIRONMENT = PROJECT / ".venv"
STAMP = ENVIRONMENT / "installed"
LOCK = PROJECT / "locks" / "dev.lock"
PIP_LOCK = PROJECT / "locks" / "bootstrap.lock"
INGREDIENTS = ("pyproject.toml", "locks/bootstrap.lock", "locks/dev.lock", "local/bootstrap.py")
OLDEST = (3, 11)
STARTED = time.monotonic()
BEAT_SECONDS = 10.0
SILENT = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PYTHONWARNINGS": "ignore", "UV_LINK_MODE": "copy"}


class BootstrapError(Exception):
    """What went wrong and how to mend it, in one line."""


def fingerprint(project: Path, version: tuple[int, int]) -> str:
    """Return a hash of all that decides what is installed."""
    digest = hashlib.sha256(repr(version).encode())
    for name in INGREDIENTS:
        digest.update((project / name).read_bytes())
    return digest.hexdigest()


def is_installed(stamp: Path, wanted: str) -> bool:
    """Tell whether the environment was installed to its end from the same ingredients."""
    return stamp.exists() and stamp.read_text().strip() == wanted


def damaged_packages(environment: Path) -> list[Path]:
    """Return the records of packages of which a whole top-level module is missing."""
    records = environment.glob("lib/python*/site-packages/*.dist-info")
    return [record for record in records if not _is_whole(record)]


def _is_whole(record: Path) -> bool:
    try:
        lines = (record / "RECORD").read_text(encoding="utf-8").splitlines()
    except OSError:
        return False
    files = [line.split(",", 1)[0] for line in lines]
    modules = {name.split("/", 1)[0] for name in files if name.endswith(".py")} - {".."}
    return all((record.parent / module).exists() for module in modules)


def explain(output: str, what: str) -> str:
    """Return one line that says why a step failed and how to mend it."""
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
    last = next(
        (line for line in reversed(output.strip().splitlines()) if line.strip()), "no output"
    )
    return f"{what} failed: {last.strip()} (run make again to retry)"


def main() -> int:
    """Install unless the stamp says that it is done."""
    try:
        install()
    except BootstrapError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"{error.filename}: {error.strerror}. Work in a clone of your own.\n")
        return 1
    return 0


def install() -> None:
    """Bring the environment to what the lock says."""
    if sys.version_info < OLDEST:
        found = ".".join(map(str, sys.version_info[:3]))
        raise BootstrapError(
            f"Python 3.11 or later is needed, {sys.executable} is {found}: "
            "name one with PYTHON=<path>."
        )
    wanted = fingerprint(PROJECT, sys.version_info[:2])
    with alone():
        damaged = damaged_packages(ENVIRONMENT)
        if is_installed(STAMP, wanted) and not damaged:
            return
        for record in damaged:  # uv then sees that the package is missing
            say(f"mending {record.name.removesuffix('.dist-info')}")
            shutil.rmtree(record)
        STAMP.unlink(missing_ok=True)
        say("setting up .venv; the first time takes a few minutes")
        create_environment()
        install_packages()
        STAMP.write_text(f"{wanted}\n")
        say("the environment is ready")


@contextmanager
def alone() -> Iterator[None]:
    """Let one installation run at a time."""
    with (PROJECT / ".bootstrap.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another installation is running; waiting for it")
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
    """Install the locked packages with uv, or with pip where only pip knows where they are."""
    pip = [str(python()), "-m", "pip", "install", "--quiet", "--require-hashes"]
    uv = [str(python()), "-m", "uv", "pip"]
    where = ["--python", str(python())]
    step("installing uv", [*pip, "-r", str(PIP_LOCK)])
    count = sum("==" in line for line in LOCK.read_text().splitlines())
    try:
        step(
            f"installing {count} packages with uv",
            [*uv, "sync", "--quiet", "--require-hashes", "--compile-bytecode", *where, str(LOCK)],
        )
    except BootstrapError as error:
        say(f"{error}")
        step(f"installing {count} packages with pip instead", [*pip, "-r", str(LOCK)])
    project = ["--quiet", "--no-deps", "--no-build-isolation", "--offline", "-e", str(PROJECT)]
    step("installing the project", [*uv, "install", *project, *where])


def step(what: str, command: Sequence[str]) -> None:
    """Run one command, telling that it goes on while it does."""
    say(what)
    done = threading.Event()
    beat = threading.Thread(target=_beat, args=(what, done), daemon=True)
    beat.start()
    try:
        result = subprocess.run(
            command,
            cwd=PROJECT,
            env={**os.environ, **SILENT},
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        done.set()
        beat.join()
    if result.returncode:
        raise BootstrapError(explain(result.stdout + result.stderr, what))


def say(text: str) -> None:
    """Print one step with the seconds since the start."""
    sys.stdout.write(f"[{time.monotonic() - STARTED:5.1f} s] {text}\n")
    sys.stdout.flush()


def python() -> Path:
    """Return the environment's interpreter."""
    return ENVIRONMENT / "bin" / "python"


def _beat(what: str, done: threading.Event) -> None:
    while not done.wait(BEAT_SECONDS):
        say(f"... still {what}")


def _succeeds(command: Sequence[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
