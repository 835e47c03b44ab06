"""From the trigger to the end of the run, beside the same steps run by `churn run`.

Both work on the same stack, database and file, in turn: `churn run` is the reference, and the
difference is what the scheduler costs. The first run publishes; after it the model is the same one,
so that the runs measured end with that decision.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from benchmarks.table import Table
from local import control
from local.airflow_client import FAILED, SUCCESS, Airflow, log_in
from local.console import Console
from local.first_run import DAG, wait_parsed, wait_served
from local.layout import PROJECT
from local.network import free_port
from local.stack import DEFAULT_PORTS, Stack

RUNS = 5
_PAUSE_SECONDS = 0.05
_LONGEST_SECONDS = 300.0


def measure() -> Table:
    """Return the seconds of both ways, run in turn."""
    with tempfile.TemporaryDirectory(prefix="churn-bench-") as folder, _stack(folder) as stack:
        airflow = log_in(stack)
        wait_parsed(airflow)
        _trigger_to_end(stack, airflow)
        pairs = [(_churn_run(stack), _trigger_to_end(stack, airflow)) for _ in range(RUNS)]
    steps, ended = zip(*pairs, strict=True)
    more = statistics.median(b - a for a, b in pairs)
    return Table(
        "From the trigger to the end of the run",
        {"`churn run data/churn.csv` (reference)": steps, "trigger to the end of the run": ended},
        f"Through Airflow a run takes {more:.2f} s more than the same steps (median of pairs), "
        f"{statistics.median(b / a for a, b in pairs):.2f} times the reference.",
    )


@contextmanager
def _stack(folder: str) -> Iterator[Stack]:
    ports = {name: str(free_port()) for name in DEFAULT_PORTS}
    environment: Mapping[str, str] = {**os.environ, **ports, "CHURN_HOME": folder}
    try:
        yield control.up(Console(), environment)
    finally:
        control.down(Console(), environment)


def _churn_run(stack: Stack) -> float:
    command = Path(sys.executable).with_name("churn")
    environment = {**os.environ, "CHURN_HOME": str(stack.layout.home)}
    environment.pop("CHURN_DATABASE_URL", None)
    started = time.monotonic()
    subprocess.run(
        [command, "run", PROJECT / "data" / "churn.csv"],
        env=environment,
        check=True,
        capture_output=True,
    )
    seconds = time.monotonic() - started
    wait_served(Console(), stack, before="")
    return seconds


def _trigger_to_end(stack: Stack, airflow: Airflow) -> float:
    started = time.monotonic()
    run = airflow.trigger(DAG, {"file": "churn.csv"})
    while airflow.run_state(DAG, run) != SUCCESS:
        _require_going(airflow, run, started)
        time.sleep(_PAUSE_SECONDS)
    seconds = time.monotonic() - started
    wait_served(Console(), stack, before="")
    return seconds


def _require_going(airflow: Airflow, run: str, started: float) -> None:
    if airflow.run_state(DAG, run) == FAILED or time.monotonic() - started > _LONGEST_SECONDS:
        raise RuntimeError(f"the run {run} did not end in time")
