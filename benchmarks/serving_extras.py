"""What is measured of the service beside its steady rate: publishes, batches."""

import json
import statistics
import threading
import time
from collections.abc import Sequence
from typing import Final

import psutil

from benchmarks import batch_load
from benchmarks.http_load import Load, Plan, load
from benchmarks.installation import Installation
from benchmarks.servers import uvicorn
from churn.warehouse.predictions import spool

SERVICE: Final = "serving.api.app:create_app"
_BATCHES: Final = 6
_PUBLISHES: Final = 5


def bodies(installation: Installation) -> list[str]:
    """Return requests as the file and the schema spell them: words and numbers."""
    return [json.dumps({n: _spelled(v) for n, v in row.items()}) for row in installation.rows]


def _spelled(value: object) -> object:
    return ("Yes" if value else "No") if isinstance(value, bool) else value


def drain(installation: Installation) -> None:
    """Wait until PostgreSQL has everything."""
    until = time.monotonic() + 120
    folders = [installation.home / name for name in ("spool", "two")]
    while (
        any(spool.used(folder) for folder in folders if folder.exists())
        and time.monotonic() < until
    ):
        time.sleep(0.5)


def publishes(installation: Installation) -> str:
    """Publish in the middle of a load, a few times; say what that cost its requests."""
    log, environment = installation.home / "service.log", installation.environment
    ratios, failed, answered = [], 0, 0
    with uvicorn(SERVICE, "--factory", environment=environment, log=log) as server:
        for number in range(1, _PUBLISHES + 1):
            during, moment = _with_publish(installation, server.port, number)
            second = int(moment - during.started)
            near, steady = during.slots[second : second + 2], during.slots[1:second]
            ratios.append(max(near) / statistics.median(steady))
            failed += during.failed
            answered += sum(during.statuses.values())
    return (
        f"A publish during load, {len(ratios)} times: {failed} of {answered:,} requests failed; "
        "the p99 of its second (the worse one of that and the next) was "
        f"{statistics.median(ratios):.2f} times the steady one "
        f"({min(ratios):.2f} to {max(ratios):.2f})."
    )


def _with_publish(installation: Installation, port: int, number: int) -> tuple[Load, float]:
    moments: list[float] = []

    def publish() -> None:
        installation.publish(number)
        moments.append(time.time())

    timer = threading.Timer(5.2, publish)
    timer.start()
    during = load(Plan(port, "/predict", bodies(installation), seconds=8))
    timer.join()
    return during, moments[0]


def batches(installation: Installation) -> str:
    """Send a large file as one request, a few times; say how fast, and what memory it took."""
    log, environment = installation.home / "service.log", installation.environment
    content = batch_load.csv_of(installation.rows)
    with uvicorn(SERVICE, "--factory", environment=environment, log=log) as server:
        process = psutil.Process(server.process.pid)
        first, *done = [
            batch_load.send(server.port, content, process, until=lambda: drain(installation))
            for _ in range(_BATCHES)
        ]
    by_clock, by_cpu = [d.per_second for d in done], [d.per_cpu_second for d in done]
    return (
        f"A CSV of {batch_load.ROWS:,} rows to a CSV, {len(done)} times, every row recorded: "
        f"{_spread(by_clock)} rows/s by the clock, {_spread(by_cpu)} per second of the service's "
        "processor time, which counts all it did until PostgreSQL had them; the "
        f"service grew by {first.grown / 1e6:.0f} MB at the first and by "
        f"{sum(each.grown for each in done) / 1e6:.0f} MB in all the others."
    )


def _spread(rates: Sequence[float]) -> str:
    return f"{statistics.median(rates):,.0f} ({min(rates):,.0f} to {max(rates):,.0f})"
