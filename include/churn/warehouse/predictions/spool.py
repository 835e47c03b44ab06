"""Keeps records in append-only files until they are shipped.

A folder holds *segments*. A process appends to one of its own, which it holds by a lock of the
operating system (``flock``); a segment without a lock is finished. A process that locks it may ship
and remove it: the one that wrote it, another one, or one that starts after a crash.

A record is a header (length, CRC-32) and its bytes, written by one ``write``. When that returns,
the kernel has it: it survives the death of the process, by SIGKILL too, but not a power cut.

The name of a segment that its process finished has the number of its predictions, so that counting
them reads no file: ``<time>-<random>-<predictions>.log``.
"""

import fcntl
import os
import secrets
import struct
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from zlib import crc32

from churn.core import whole_files
from churn.warehouse.predictions.log_records import predictions_in

SUFFIX: Final = ".log"
DAMAGED: Final = ".damaged"
ERASURES: Final = "erasures"
"""The file whose modification time is that of the last erasure."""
_HEADER: Final = struct.Struct("<II")


@dataclass(frozen=True)
class Content:
    """The content of a segment; ``unread`` counts the bytes after the last valid record.

    A record that its process was writing when it died is truncated, and was never answered. Other
    unread bytes are damage.
    """

    records: Sequence[bytes]
    unread: int = 0
    is_truncated: bool = False


def framed(record: bytes) -> bytes:
    """Return a record with its header, as in a segment."""
    return _HEADER.pack(len(record), crc32(record)) + record


def read(content: bytes) -> Content:
    """Return the valid records, up to the first bytes that are not one."""
    records: list[bytes] = []
    place, size = 0, len(content)
    while place < size:
        start = place + _HEADER.size
        length, checksum = _HEADER.unpack_from(content, place) if start <= size else (size, 0)
        record = content[start : start + length]
        if not length or len(record) < length or crc32(record) != checksum:
            return Content(records, size - place, is_truncated=start + length > size)
        records.append(record)
        place = start + length
    return Content(records)


class Writer:
    """A segment that this process appends to."""

    def __init__(self, folder: Path) -> None:
        name = f"{time.time_ns():020d}-{secrets.token_hex(8)}"
        unnamed = folder / f"{name}.new"
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC
        self._file = os.open(unnamed, flags, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)  # before others can see it as a segment
        self.path = folder / f"{name}{SUFFIX}"
        unnamed.rename(self.path)
        self.size = 0
        self.predictions = 0

    def append(self, content: bytes, predictions: int) -> None:
        """Write framed records of so many predictions; when this returns the kernel has them.

        Raises:
            OSError: they could not be written (a full disk, say); nothing of them stays.
        """
        try:
            written = os.write(self._file, content)
            if written < len(content):
                raise OSError(28, "the disk took only a part of a record")
        except OSError:
            os.ftruncate(self._file, self.size)
            raise
        self.size += len(content)
        self.predictions += predictions

    def sync(self) -> None:
        """Ask the disk to have what the kernel has."""
        os.fdatasync(self._file)

    def close(self) -> None:
        """Release the segment for shipping; remove it if it is empty."""
        with suppress(FileNotFoundError):
            if self.size:
                self.path.rename(_counted(self.path, self.predictions))
            else:
                self.path.unlink()
        os.close(self._file)


@dataclass(frozen=True)
class Finished:
    """A finished segment, locked by this process."""

    path: Path
    file: int

    def content(self) -> Content:
        """Read it."""
        return read(self.path.read_bytes())

    def replace(self, records: Sequence[bytes]) -> None:
        """Replace the records; a crash leaves the former or the new ones."""
        whole_files.replace(self.path, b"".join(map(framed, records)), mode=0o600)
        self.path.rename(_counted(self.path, sum(map(predictions_in, records))))

    def put_aside(self) -> None:
        """Keep it for inspection under another name; it is not shipped."""
        self.path.rename(self.path.with_suffix(DAMAGED))

    def remove(self) -> None:
        """Remove it after its records were shipped."""
        self.path.unlink()


def _counted(path: Path, predictions: int) -> Path:
    time_and_chance = path.stem.split("-")[:2]
    return path.with_stem("-".join([*time_and_chance, str(predictions)]))


def count_of(path: Path) -> int | None:
    """Return the number of predictions in a segment's name, if it has one."""
    count = path.stem.split("-")[2:]
    return int(count[0]) if count and count[0].isdecimal() else None


def segments(folder: Path) -> list[Path]:
    """Return every segment, the oldest first."""
    return sorted(folder.glob(f"*{SUFFIX}"))


def age(folder: Path) -> float:
    """Return how long ago the oldest segment was begun, in seconds; 0 where there is none."""
    begun = next((int(one.stem.partition("-")[0]) for one in segments(folder)), None)
    return 0.0 if begun is None else max((time.time_ns() - begun) / 1e9, 0.0)


@contextmanager
def held(path: Path) -> Iterator[Finished | None]:
    """Lock a segment for the length of a block, or yield None if it is locked or gone."""
    try:
        file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        yield None
        return
    try:
        yield Finished(path, file) if _is_ours(path, file) else None
    finally:
        os.close(file)


def _is_ours(path: Path, file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    with suppress(FileNotFoundError):  # another process shipped it or put it aside meanwhile
        return os.fstat(file).st_ino == path.stat().st_ino
    return False


def used(folder: Path) -> int:
    """Return the bytes of all files in the folder, damaged ones included."""
    total = 0
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):
                total += entry.stat().st_size if entry.is_file() else 0
    return total


def remove_unfinished(folder: Path, *, older_than: float = 60.0) -> None:
    """Remove files whose process died while it created them; they have no records."""
    for path in (*folder.glob("*.new"), *folder.glob(".*.*")):
        with suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > older_than:
                path.unlink()
