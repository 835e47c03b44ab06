"""Sends a CSV of customers to ``/predict/batch`` and counts the rows that come back meanwhile."""

import csv
import io
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import psutil

from churn.customer.description import BY_NAME, FEATURES, Customer
from local.network import HOST

ROWS: Final = 200_000
_CHUNK: Final = 1 << 18


@dataclass(frozen=True)
class Batch:
    """How fast it was, and by how many bytes the server had grown when it was done.

    ``cpu_seconds`` are all that the service took until PostgreSQL had every row.
    """

    per_second: float
    cpu_seconds: float
    grown: int

    @property
    def per_cpu_second(self) -> float:
        """Rows per second of the processor's time."""
        return ROWS / self.cpu_seconds


def csv_of(rows: Sequence[Customer]) -> bytes:
    """Return as many rows as the benchmark sends, in the spelling of the customer file."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = [field.name for field in FEATURES]
    writer.writerows([BY_NAME[name].label(row[name]) for name in names] for row in rows)
    header = ",".join(field.header for field in FEATURES)
    return f"{header}\n".encode() + text.getvalue().encode() * (ROWS // len(rows))


def send(port: int, content: bytes, server: psutil.Process, *, until: Callable[[], None]) -> Batch:
    """Send the rows and read the answers at the same time; ``until`` waits for the log.

    Raises:
        RuntimeError: an answer is missing.
    """
    before, worked, started = _memory(server), _worked(server), time.perf_counter()
    with socket.create_connection((HOST, port), timeout=120) as connection:
        head = (
            f"POST /predict/batch HTTP/1.1\r\nHost: {HOST}:{port}\r\nContent-Type: text/csv\r\n"
            f"Connection: close\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        sender = threading.Thread(target=connection.sendall, args=(head.encode() + content,))
        sender.start()
        lines = _lines(connection)
        sender.join()
    seconds = time.perf_counter() - started
    if lines < ROWS:
        raise RuntimeError(f"{lines:,} lines came back for {ROWS:,} rows")
    grown = _memory(server) - before
    until()
    return Batch(ROWS / seconds, _worked(server) - worked, grown)


def _lines(connection: socket.socket) -> int:
    lines = 0
    while chunk := connection.recv(_CHUNK):
        lines += chunk.count(b"\n")
    return lines


def _family(server: psutil.Process) -> list[psutil.Process]:
    return [server, *server.children(recursive=True)]


def _memory(server: psutil.Process) -> int:
    return sum(process.memory_info().rss for process in _family(server))


def _worked(server: psutil.Process) -> float:
    times = [process.cpu_times() for process in _family(server)]
    return sum(each.user + each.system for each in times)
