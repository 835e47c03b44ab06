"""One start or stop of a stack at a time."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from local.layout import Layout


@contextmanager
def locked(layout: Layout) -> Iterator[None]:
    """Hold the stack's lock for the length of a block; the kernel frees it when the holder dies."""
    with (layout.run / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
