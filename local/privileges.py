"""PostgreSQL refuses to run as root; these command prefixes give it a face it accepts."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from local.errors import StackError

NOBODY = 65534
PROBE_SECONDS = 20

# A user namespace in which root has another name: no chown, no extra user.
NAMESPACE = ("unshare", "-U", f"--map-user={NOBODY}", f"--map-group={NOBODY}")
# Containers often forbid user namespaces. dac_override opens the closed state folder.
SETPRIV = (
    "setpriv",
    "--reuid=nobody",
    f"--regid={NOBODY}",
    "--clear-groups",
    "--inh-caps=+dac_override",
    "--ambient-caps=+dac_override",
)


@dataclass(frozen=True)
class Face:
    """A command prefix, and the user who owns the files of what runs behind it."""

    prefix: tuple[str, ...]
    owner: int


def choose_face(
    program: Path, *, user: int | None = None, runs: Callable[[tuple[str, ...]], bool] | None = None
) -> Face:
    """Return the first prefix behind which the program starts; only root needs one."""
    user = os.geteuid() if user is None else user
    if user != 0:
        return Face(prefix=(), owner=user)
    works = runs or starts
    for prefix, owner in ((NAMESPACE, 0), (SETPRIV, _nobody())):
        if works((*prefix, str(program), "--version")):
            return Face(prefix=prefix, owner=owner)
    raise StackError(
        "PostgreSQL does not run as root, and neither `unshare -U` nor `setpriv` works here: "
        "run as an ordinary user."
    )


def starts(command: tuple[str, ...]) -> bool:
    """Tell whether a command can be run to its end."""
    if shutil.which(command[0]) is None:
        return False
    probe = subprocess.run(command, capture_output=True, timeout=PROBE_SECONDS, check=False)
    return probe.returncode == 0


def give(folder: Path, *, owner: int) -> None:
    """Hand a folder with all it holds to its owner; nothing happens when it is theirs already."""
    if folder.stat().st_uid == owner:
        return
    for path in (folder, *folder.rglob("*")):
        os.chown(path, owner, -1, follow_symlinks=False)


def _nobody() -> int:
    try:
        return pwd.getpwnam("nobody").pw_uid
    except KeyError:
        return NOBODY
