r"""Loading and cleaning generated customer files, beside `psql \copy` of the same file.

The reference copies into a logged all-text table that is there beforehand. All runs of a size take
turns on one server with the stack's own settings, fsync on. Ten million rows, which take a quarter
of an hour and 10 GB of disk, are measured where CHURN_BENCH_LARGE is set.
"""

import itertools
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql

from benchmarks.customer_files import write_customers
from benchmarks.table import Table
from churn.customer.description import COLUMNS
from churn.warehouse.cleaning.clean import clean
from churn.warehouse.connect import connect
from churn.warehouse.loading.load import Reading, load_csv
from churn.warehouse.schema import create_tables
from local import databases, postgres
from local.databases import CHURN_DATABASE, PIPELINE, SERVING
from local.network import free_port
from local.postgres import Server

RUNS: Final[Mapping[int, int]] = {100_000: 5, 2_000_000: 3}
LARGE: Final[Mapping[int, int]] = {10_000_000: 2}
REFERENCE: Final = r"`psql \copy` (reference)"
COPIED: Final = "COPY into the staging table"
FRESH: Final = "load and clean, all rows new"
_MEASURED: Final = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
"""A small process in between: a child's peak starts at that of the process that forks it."""
UNCHANGED: Final = "load and clean, all rows unchanged"
LATER: Final = "the same, of a later day"


@dataclass
class _Measured:
    """Seconds per size and thing measured, and the product's peak memory in MB per size."""

    seconds: dict[tuple[int, str], list[float]] = field(default_factory=dict)
    megabytes: dict[int, float] = field(default_factory=dict)

    def add(self, rows: int, what: str, seconds: float) -> None:
        self.seconds.setdefault((rows, what), []).append(seconds)

    def median(self, rows: int, what: str) -> float:
        return statistics.median(self.seconds[rows, what])


@dataclass(frozen=True)
class _Bench:
    """A server with the product's tables, and the same customers in two files."""

    server: Server
    url: str
    rows: int
    file: Path
    reversed_file: Path

    def execute(self, query: str) -> None:
        """Run one statement, and write all that waits to be written."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(sql.SQL(query))
        with psycopg.connect(self.server.url(), autocommit=True) as connection:
            connection.execute("CHECKPOINT")


def measure() -> Table:
    """Return the seconds of every size and way."""
    measured = _Measured()
    runs = {**RUNS, **(LARGE if os.environ.get("CHURN_BENCH_LARGE") else {})}
    with tempfile.TemporaryDirectory(prefix="churn-bench-") as folder, _served(folder) as server:
        for rows, times in runs.items():
            bench = _prepare(server, Path(folder), rows)
            for _ in range(times):
                _measure_once(bench, measured)
            measured.megabytes[rows] = _peak_megabytes(bench)
            bench.file.unlink()
            bench.reversed_file.unlink()
    return Table(
        "Loading and cleaning customer files",
        {_row(rows, what): values for (rows, what), values in measured.seconds.items()},
        _conclusion(measured, list(runs)),
        {_row(rows, what): _row(rows, REFERENCE) for rows, what in measured.seconds},
    )


def _row(rows: int, what: str) -> str:
    return f"{rows:,} rows: {what}"


def _conclusion(measured: _Measured, sizes: list[int]) -> str:
    memory = ", ".join(f"{measured.megabytes[rows]:.0f} MB at {rows:,}" for rows in sizes)
    lines = [f"`churn load` takes at most {memory} rows."]
    for small, large in itertools.pairwise(sizes):
        for what in (REFERENCE, FRESH, UNCHANGED):
            growth = measured.median(large, what) / measured.median(small, what) * small / large
            lines.append(f"From {small:,} to {large:,} rows, time per row: {what} x {growth:.2f}.")
    if sizes[-1] < max(LARGE):
        lines.append("CHURN_BENCH_LARGE=1 adds ten million rows.")
    return "\n".join(lines)


@contextmanager
def _served(folder: str) -> Iterator[Server]:
    server = postgres.server(
        data=Path(folder) / "data", port=free_port(), password=secrets.token_urlsafe(12)
    )
    with postgres.running(server):
        passwords = dict.fromkeys((PIPELINE, SERVING), server.password)
        databases.prepare(server.url(), passwords, databases.DATABASES[:1])
        yield server


def _prepare(server: Server, folder: Path, rows: int) -> _Bench:
    files = folder / f"{rows}.csv", folder / f"{rows}-reversed.csv"
    write_customers(files[0], rows)
    write_customers(files[1], rows, reverse=True)
    url = server.url(CHURN_DATABASE, role=PIPELINE)
    with connect(url) as connection:
        create_tables(connection)
    bench = _Bench(server, url, rows, *files)
    columns = ", ".join(f"{column.name} text" for column in COLUMNS)
    bench.execute(f"CREATE TABLE IF NOT EXISTS reference ({columns})")
    return bench


def _measure_once(bench: _Bench, measured: _Measured) -> None:
    today = datetime.now(UTC).date()
    bench.execute("TRUNCATE reference")
    measured.add(bench.rows, REFERENCE, _copied_by_psql(bench))
    bench.execute("TRUNCATE reference, customers")
    ways = {
        FRESH: (bench.file, today),
        UNCHANGED: (bench.reversed_file, today),
        LATER: (bench.file, today + timedelta(days=1)),
    }
    for what, (file, day) in ways.items():
        copied, cleaned = _load(bench, file, day)
        measured.add(bench.rows, COPIED, copied)
        measured.add(bench.rows, what, copied + cleaned)
        bench.execute("SELECT")


def _copied_by_psql(bench: _Bench) -> float:
    psql = bench.server.binaries / "psql"
    copy = f"\\copy reference from '{bench.file}' (format csv, header)"
    started = time.monotonic()
    subprocess.run([psql, "-qX", bench.url, "-c", copy], check=True, capture_output=True)
    return time.monotonic() - started


def _load(bench: _Bench, file: Path, day: date) -> tuple[float, float]:
    """Return the seconds of both steps."""
    started = time.monotonic()
    with connect(bench.url) as connection:
        load = load_csv(connection, file, Reading(snapshot_date=day, again=True))
    copied = time.monotonic()
    with connect(bench.url) as connection:
        report = clean(connection, load.load_id)
    if report.counts.accepted != bench.rows:
        raise RuntimeError(f"not every row was taken: {report}")
    return copied - started, time.monotonic() - copied


def _peak_megabytes(bench: _Bench) -> float:
    """Return the most memory that `churn load` of the file takes."""
    churn = Path(sys.executable).with_name("churn")
    command = [sys.executable, "-c", _MEASURED, str(churn), "load", "--again", str(bench.file)]
    environment = {**os.environ, "CHURN_DATABASE_URL": bench.url}
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return int(done.stdout.split()[-1]) / 1024
