"""Which core does what: one for the server, one for the load, where the machine lets us choose."""

import os
import shutil
from typing import Final

SERVER: Final = 0
LOAD: Final = 1


def pin(core: int | None) -> None:
    """Keep this process on a core, where there is one to choose."""
    if core is not None and hasattr(os, "sched_setaffinity"):
        available = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {available[core % len(available)]})


def pinned(core: int) -> tuple[str, ...]:
    """Return what stands before a command that is to stay on a core."""
    if not shutil.which("taskset"):
        return ()
    available = sorted(os.sched_getaffinity(0))
    return ("taskset", "--cpu-list", str(available[core % len(available)]))
