"""Opens customer files, plain or compressed."""

import gzip
import hashlib
import lzma
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Final, cast

from churn.core.errors import DataQualityError, plain, plain_list
from churn.warehouse.loading.foreign_files import advice_on_archive

CHUNK: Final = 1 << 20
_LONGEST_PATH: Final = 4_096


class Compression(StrEnum):
    """How a file is compressed."""

    NONE = "none"
    GZIP = "gzip"
    ZSTD = "zstd"
    ZIP = "zip"


_MAGIC: Final = {
    b"\x1f\x8b": Compression.GZIP,
    b"\x28\xb5\x2f\xfd": Compression.ZSTD,
    b"PK\x03\x04": Compression.ZIP,
}


_DAMAGED: Final = (
    EOFError,
    gzip.BadGzipFile,
    lzma.LZMAError,
    zipfile.BadZipFile,
    zlib.error,
)
_UNSUPPORTED: Final = (RuntimeError, NotImplementedError)
"""What zipfile raises for a password, and for a compression that it lacks."""


class _ForeignError(Exception):
    """An archive is a document of some other program."""


@dataclass(frozen=True)
class Source:
    """One customer file; it is only ever opened for reading."""

    path: Path
    compression: Compression
    size: int
    sha256: str

    seen: tuple[int, ...] = ()

    def require_unchanged(self) -> None:
        """Refuse a file that was written to, or replaced, since it was examined.

        Raises:
            DataQualityError: the content may be a mixture of two versions of the file.
        """
        if _state(self.path) != self.seen:
            raise DataQualityError(
                f"{self.name}: the file was changed while it was read; nothing was loaded. "
                "Load it again once it is written"
            )

    @property
    def name(self) -> str:
        """The path as it can be shown and stored, even where it is not UTF-8."""
        return shown_path(self.path)

    @property
    def short_name(self) -> str:
        """The last part of it."""
        return shown_path(Path(self.path.name))

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """Open the unpacked content.

        Raises:
            DataQualityError: the file cannot be read, or is damaged.
        """
        try:
            with self.path.open("rb") as raw, _unpacked(raw, self.compression) as content:
                yield content
        except _DAMAGED as error:
            raise DataQualityError(
                f"{self.name}: the compressed file is damaged or cut short ({error})"
            ) from None
        except _ForeignError as error:
            raise DataQualityError(f"{self.name}: {error}") from None
        except _UNSUPPORTED as error:
            raise DataQualityError(f"{self.name}: cannot be unpacked ({error})") from None
        except OSError as error:
            raise DataQualityError(f"{self.name}: cannot be read ({_why(error)})") from None


def examine(path: Path) -> Source:
    """Return what is known of a file from its bytes alone.

    Raises:
        DataQualityError: there is no such file, or it cannot be read.
    """
    if not path.is_file():
        what = "is not a regular file" if path.exists() else "there is no such file"
        raise DataQualityError(f"{shown_path(path)}: {what}")
    try:
        seen = _state(path)
        with path.open("rb") as file:
            start = file.read(4)
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataQualityError(f"{shown_path(path)}: cannot be read ({_why(error)})") from None
    compression = compression_of(start)
    source = Source(path, compression or Compression.NONE, path.stat().st_size, digest, seen)
    source.require_unchanged()
    return source


def compression_of(start: bytes) -> Compression | None:
    """Return how a file is compressed, by its first bytes."""
    return next((one for magic, one in _MAGIC.items() if start.startswith(magic)), None)


def _state(path: Path) -> tuple[int, ...]:
    """Return what differs after any write: device, inode, size and time."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def shown_path(path: Path) -> str:
    """Return a path as it can be shown and stored: what is not UTF-8 or printable is escaped."""
    return plain(os.fsencode(path).decode(errors="backslashreplace"), _LONGEST_PATH)


@contextmanager
def _unpacked(raw: BinaryIO, compression: Compression) -> Iterator[BinaryIO]:
    if compression is Compression.GZIP:
        with gzip.open(raw, "rb") as content:
            yield cast(BinaryIO, content)
    elif compression is Compression.ZSTD:
        with _zstd(raw) as content:
            yield content
    elif compression is Compression.ZIP:
        with _zip(raw) as archive, archive.open(_only_member(archive)) as member:
            yield cast(BinaryIO, member)
    else:
        yield raw


@contextmanager
def _zstd(raw: BinaryIO) -> Iterator[BinaryIO]:
    from backports import zstd

    try:
        with zstd.open(raw, "rb") as content:
            yield cast(BinaryIO, content)
    except zstd.ZstdError as error:
        raise EOFError(str(error)) from None


def _zip(raw: BinaryIO) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(raw)
    except (UnicodeDecodeError, struct.error) as error:
        raise zipfile.BadZipFile(str(error)) from None


def _only_member(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    members = [m for m in archive.infolist() if not m.is_dir() and "__MACOSX" not in m.filename]
    if advice := advice_on_archive([member.filename for member in members]):
        raise _ForeignError(advice)
    if len(members) != 1:
        names = plain_list([member.filename for member in members], 5)
        raise RuntimeError(f"one file is expected in it, not {len(members)}: {names}")
    return members[0]


def _why(error: OSError) -> str:
    return error.strerror or str(error)
