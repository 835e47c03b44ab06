"""A database and a model store as release 0.1.0 left them.

Three loads of a thousand customers, with history and rejected rows; two versions, the second of
them rolled back; 21 predictions and an erasure.
"""

import lzma
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psycopg

_DATA: Final = Path(__file__).parent / "data"
SERVED: Final = "20261128T111249Z-497248fc"
PREDICTED: Final = "115fb997-a8b1-45dc-8f9c-24814e4886cd"


def restore_database(url: str) -> None:
    """Run the dump of ``pg_dump`` in an empty database, as its superuser."""
    dump = lzma.decompress((_DATA / "database.sql.xz").read_bytes()).decode()
    lines = iter(dump.splitlines(keepends=True))
    statements: list[str] = []
    with psycopg.connect(url) as connection:
        for line in lines:
            if not line.startswith("COPY "):
                statements.append(line)
                continue
            connection.execute("".join(statements).encode())
            statements.clear()
            with connection.cursor().copy(line.encode()) as stream:
                stream.write("".join(_rows(lines)))
        connection.execute("".join(statements).encode())


def _rows(lines: Iterator[str]) -> Iterator[str]:
    yield from iter(lambda: next(lines), "\\.\n")


def restore_models(folder: Path) -> None:
    """Unpack the model store as ``folder/models``."""
    with tarfile.open(_DATA / "models.tar.xz") as archive:
        archive.extractall(folder, filter="data")
