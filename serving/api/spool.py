"""Keeps answered predictions in a crash-safe file until PostgreSQL has them."""

import sqlite3
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS spool (id INTEGER PRIMARY KEY AUTOINCREMENT, record TEXT NOT NULL)"
)


_BUSY_SECONDS = 5.0
_TRIES = 100


@dataclass(frozen=True)
class Spooled:
    """A record that waits, with its place in the spool."""

    id: int
    record: str


class Spool:
    """A SQLite file in WAL mode; several processes may write to it and ship from it.

    A committed record survives the process being killed at any moment.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(
            path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        _enter_wal_mode(self._connection)
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.execute(_SCHEMA)

    def add(self, record: str) -> None:
        """Keep a record; when this returns it is safe.

        Raises:
            sqlite3.Error: it could not be kept (a full disk, say).
        """
        with self._lock:
            self._connection.execute("INSERT INTO spool (record) VALUES (?)", (record,))

    def oldest(self, most: int) -> list[Spooled]:
        """Return the records that have waited longest."""
        query = "SELECT id, record FROM spool ORDER BY id LIMIT ?"
        with self._lock:
            return [Spooled(*row) for row in self._connection.execute(query, (most,))]

    def remove(self, shipped: list[Spooled]) -> None:
        """Forget records that PostgreSQL has."""
        with self._lock, self._connection:
            self._connection.execute("BEGIN")
            ids = [(spooled.id,) for spooled in shipped]
            self._connection.executemany("DELETE FROM spool WHERE id = ?", ids)

    def waiting(self) -> int:
        """Return how many records PostgreSQL does not have yet."""
        with self._lock:
            row = self._connection.execute("SELECT count(*) FROM spool").fetchone()
        return int(row[0])

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _enter_wal_mode(connection: sqlite3.Connection) -> None:
    """Changing the mode does not wait for other processes that do the same, so it is retried."""
    for attempt in range(_TRIES):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if attempt == _TRIES - 1:
                raise
            time.sleep(_BUSY_SECONDS / _TRIES)
        else:
            return
