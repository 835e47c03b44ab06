"""Which core does what: one for the server, one for the load, where the machine lets us choose."""

import os
import shutil
from typing import Final

SERVER: Final = 0
LOAD: Final = 1
_AVAILABLE: Final = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def pin(core: int) -> None:
    """Keep this process, and what it starts from now on, on a core."""
    if _AVAILABLE:
        os.sched_setaffinity(0, {_AVAILABLE[core % len(_AVAILABLE)]})


def pinned(*cores: int) -> tuple[str, ...]:
    """Return what stands before a command that is to stay on some cores."""
    if not (_AVAILABLE and shutil.which("taskset")):
        return ()
    chosen = {str(_AVAILABLE[core % len(_AVAILABLE)]) for core in cores}
    return ("taskset", "--cpu-list", ",".join(sorted(chosen)))


def told() -> str:
    """Return how this machine's cores are shared, for the note under a table."""
    if len(_AVAILABLE) > 1:
        return "One core for the server, another for the load and PostgreSQL"
    return "Server, load and PostgreSQL share their cores: this machine does not let us choose"
