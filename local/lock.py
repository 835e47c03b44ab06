"""One start or stop of a stack at a time."""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from local.layout import Layout


@contextmanager
def locked(layout: Layout, *, blocked: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold the stack's lock for the length of a block; the kernel frees it when the holder dies.

    ``blocked`` is called before a wait for another holder.
    """
    with (layout.run / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            blocked()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
