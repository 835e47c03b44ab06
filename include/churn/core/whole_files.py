"""Files that are replaced in one step: a reader, or a crash, finds the old content or the new."""

import os
import secrets
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, BinaryIO, Final

from churn.core.errors import ChurnError

_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_LONGEST_PREFIX: Final = 50


def replace(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Replace a small file; a crash leaves the old content or the new."""
    with replacing(path, mode=mode) as file:
        write_all(file.fileno(), content)


def write_all(descriptor: int, content: bytes) -> None:
    """Write all of it, however little the system takes at once."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


@contextmanager
def replacing(path: Path, *, mode: int = 0o666) -> Iterator[BinaryIO]:
    """Write a file next to ``path`` that takes its place, fsynced, when the block has ended.

    After an exception the former file stays as it was. ``mode`` is subject to the umask.
    """
    temporary = path.with_name(f".{path.name[:_LONGEST_PREFIX]}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(temporary, _NEW, mode), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Wait until the names in a folder are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def output(target: str, source: BinaryIO) -> Iterator[BinaryIO]:
    """Open what a command writes to: a path, or ``-`` for standard output.

    A regular file, through a symbolic link too, is replaced when the block has ended; a pipe or a
    device is written to at once.

    Raises:
        ChurnError: it is the file that is read, or cannot be written; the former file stays.
    """
    stdout, found = _stat(sys.stdout), _stat(target)
    is_stdout = target == "-" or _is_same(found, stdout)
    if _is_same(stdout if is_stdout else found, _stat(source), regular=True):
        raise ChurnError(f"{target} is the file that is read; name another file to write to")
    if is_stdout:
        with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as file:  # sys.stdout fails at exit again
            yield file
        return
    try:
        with _opened(Path(target)) as file:
            yield file
    except OSError as error:
        message = f"{target} cannot be written: {error.strerror}"
        raise ChurnError(f"{message}; a file that was there before is as it was") from error


def _stat(what: IO[Any] | str) -> os.stat_result | None:
    try:
        return Path(what).stat() if isinstance(what, str) else os.fstat(what.fileno())
    except (OSError, ValueError):  # it is not there, is closed, or is no file
        return None


def _is_same(
    one: os.stat_result | None, other: os.stat_result | None, *, regular: bool = False
) -> bool:
    if not (one and other and os.path.samestat(one, other)):
        return False
    return stat.S_ISREG(one.st_mode) or not regular


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    found = _stat(os.fspath(path))
    if found and not stat.S_ISREG(found.st_mode):
        with path.open("wb") as file:
            yield file
        return
    real = Path(os.path.realpath(path))
    with replacing(real) as file:
        if found:
            os.fchmod(file.fileno(), stat.S_IMODE(found.st_mode))
        yield file
