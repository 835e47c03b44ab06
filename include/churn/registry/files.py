"""Writing files of a version, and reading that follows no link."""

import errno
import os
import stat
from pathlib import Path
from typing import Final

from churn.core.errors import ModelRefusedError
from churn.core.whole_files import write_all

_MODE: Final = 0o644
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK  # a FIFO would otherwise hang the reader
_CREATE: Final = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW


def write(path: Path, content: bytes) -> None:
    """Write a file and wait until it is on the disk."""
    descriptor = os.open(path, _CREATE, _MODE)
    try:
        write_all(descriptor, content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read(path: Path) -> bytes:
    """Return the content of a regular file.

    Raises:
        ModelRefusedError: naming the file and what is wrong with it.
    """
    name = f"{path.parent.name}/{path.name}"
    try:
        descriptor = os.open(path, _READ)
    except OSError as error:
        is_link = error.errno == errno.ELOOP
        reason = "is a symbolic link" if is_link else error.strerror
        raise ModelRefusedError(f"{name}: {reason}") from None
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        reason = "Is a directory" if stat.S_ISDIR(mode) else "is no regular file"
        raise ModelRefusedError(f"{name}: {reason}")
    with os.fdopen(descriptor, "rb") as file:
        return file.read()


def refuse_links(path: Path, *, below: Path) -> None:
    """Require that no folder on the way from ``below`` to the path is a symbolic link.

    Raises:
        ModelRefusedError: naming the link.
    """
    for folder in path.parents:
        if folder.is_symlink():
            raise ModelRefusedError(f"{folder.parent.name}/{folder.name}: is a symbolic link")
        if folder == below:
            return
