"""The whole train step, beside one bare fit of the same logistic regression on a ready matrix.

Customers are drawn here: so many distinct profiles of all there can be, and the outcome by chance
from a known logistic model. The reference is scikit-learn's fit on a float32 design matrix of all
customers that is there beforehand; both use one thread for linear algebra. Ten million
customers are measured where CHURN_BENCH_LARGE is set.
"""

import io
import itertools
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import psycopg
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from benchmarks.table import Table
from churn.customer import description
from churn.customer.description import COLUMNS, DEPENDENCIES
from churn.customer.field import Field, FieldKind
from churn.customer.profile import DIGITS
from churn.model.columns import MODEL_COLUMNS
from churn.training.encoded_customers import Encoded
from churn.training.features import linear
from churn.warehouse.connect import connect
from churn.warehouse.schema import create_tables
from local import postgres
from local.network import free_port

RUNS: Final = {100_000: 3, 1_000_000: 3}
LARGE: Final = {10_000_000: 1}
DISTINCT: Final = (0.60, 0.95)
REFERENCE: Final = "bare LogisticRegression.fit (reference)"
TRAIN: Final = "the whole train step"
_LONGEST: Final = 1_200
_BLOCK: Final = 200_000
_CHILD: Final = """
import re, sys, time
from pathlib import Path
from threadpoolctl import threadpool_limits
from churn.pipeline import model_steps, packing
from churn.training import fitted
from churn.registry.store import ModelStore
from churn.warehouse.connect import connect
started = time.monotonic()
with threadpool_limits(1), connect(sys.argv[1]) as connection:
    model_steps.train(connection, ModelStore(Path(sys.argv[2])))
seconds = time.monotonic() - started
peak = re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())
print(seconds, int(peak.group(1)) / 1024 if peak else 0)
"""


@dataclass
class _Measured:
    """Seconds by row of the table, and peak megabytes of the train step by size and share."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    megabytes: dict[tuple[int, float], float] = field(default_factory=dict)

    def add(self, name: str, seconds: float) -> None:
        self.seconds.setdefault(name, []).append(seconds)


def measure() -> Table:
    """Return the seconds of every size and share of distinct profiles."""
    measured = _Measured()
    runs = {**RUNS, **(LARGE if os.environ.get("CHURN_BENCH_LARGE") else {})}
    with tempfile.TemporaryDirectory(prefix="churn-bench-") as folder:
        server = postgres.server(
            data=Path(folder) / "data", port=free_port(), password=secrets.token_urlsafe(12)
        )
        with postgres.running(server):
            for (rows, times), distinct in itertools.product(runs.items(), DISTINCT):
                _measure((server.url(), Path(folder) / "models"), rows, times, distinct, measured)
    names = list(measured.seconds)
    return Table(
        "Training on many customers",
        measured.seconds,
        _conclusion(measured),
        {name: name.replace(TRAIN, REFERENCE) for name in names},
    )


def _measure(
    stand: tuple[str, Path], rows: int, times: int, distinct: float, measured: _Measured
) -> None:
    url, store = stand
    drawn = draw(rows, distinct=distinct)
    _fill(url, drawn)
    ready = np.ascontiguousarray(drawn.matrix(MODEL_COLUMNS), dtype=np.float32)
    what = f"{rows:,} customers, {distinct:.0%} distinct profiles"
    for _ in range(times):
        measured.add(f"{what}: {REFERENCE}", _fit(ready, drawn.y))
        seconds, peak = _train(url, store)
        measured.add(f"{what}: {TRAIN}", seconds)
        measured.megabytes[rows, distinct] = peak


def _fit(ready: NDArray[np.float32], y: NDArray[np.int64]) -> float:
    logistic = linear(0.1)["logistic"]
    with threadpool_limits(1):
        started = time.monotonic()
        logistic.fit(ready, y)
        return time.monotonic() - started


def _train(url: str, store: Path) -> tuple[float, float]:
    command = [sys.executable, "-c", _CHILD, url, str(store)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds, peak = done.stdout.split()[-2:]
    return float(seconds), float(peak)


def _conclusion(measured: _Measured) -> str:
    memory = (
        f"{megabytes:,.0f} MB at {rows:,} ({distinct:.0%})"
        for (rows, distinct), megabytes in measured.megabytes.items()
    )
    large = "" if os.environ.get("CHURN_BENCH_LARGE") else "\nCHURN_BENCH_LARGE=1 adds 10 million."
    return f"Peak memory of the train step: {', '.join(memory)}.{large}"


def draw(rows: int, *, distinct: float, seed: int = 1) -> Encoded:
    """Return customers of whom so large a share have a profile that nobody before them has."""
    random = np.random.default_rng(seed)
    once = _profiles(random, round(rows * distinct))
    codes = np.concatenate([once, once[random.integers(len(once), size=rows - len(once))]])
    bills = np.round(random.uniform(18, 119, rows), 2)
    ones = np.ones(rows)
    total = np.round(bills * _index(codes, description.TENURE), 2)
    amounts = {description.MONTHLY_CHARGES.name: bills, description.TOTAL_CHARGES.name: total}
    stayed = Encoded(codes, amounts, ones)
    design = stayed.matrix(MODEL_COLUMNS)
    log_odds = (design - design.mean(0)) @ random.normal(0, 0.4, len(MODEL_COLUMNS)) - 1.0
    left = random.random(rows) < 1 / (1 + np.exp(-log_odds))
    churned = codes + left * DIGITS[description.CHURN.name].factor
    return Encoded(churned, amounts, ones)


def _profiles(random: np.random.Generator, count: int) -> NDArray[np.int64]:
    """Return profiles drawn evenly; of so many that there can be, hardly any comes twice."""
    drawn = {
        name: random.integers(
            _LONGEST if digit.field.kind is FieldKind.COUNT else digit.base, size=count
        )
        for name, digit in DIGITS.items()
    }
    drawn[description.CHURN.name][:] = 0
    for dependency in DEPENDENCIES:
        parent, children = dependency.parent, dependency.children
        forced = drawn[parent.name] == parent.values.index(dependency.value)
        for child in children:
            free = [i for i, value in enumerate(child.values) if value != dependency.forced]
            chosen = np.array(free)[drawn[child.name] % len(free)]
            drawn[child.name] = np.where(forced, child.values.index(dependency.forced), chosen)
    return np.asarray(sum(drawn[name] * digit.factor for name, digit in DIGITS.items()))


def _index(codes: NDArray[np.int64], one: Field) -> NDArray[np.int64]:
    digit = DIGITS[one.name]
    return codes // digit.factor % digit.base


def _fill(url: str, drawn: Encoded) -> None:
    """Put the customers into the warehouse, with ids that tell nothing."""
    with connect(url) as connection:
        create_tables(connection)
        connection.execute("TRUNCATE customers")
        names = ", ".join(column.name for column in COLUMNS)
        copy = f"COPY customers ({names}, snapshot_date, load_id) FROM STDIN (FORMAT csv)"
        with connection.cursor().copy(copy) as stream:
            for text in _lines(drawn):
                stream.write(text)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE customers")
        connection.execute("CHECKPOINT")


def _lines(drawn: Encoded) -> Iterator[str]:
    for start in range(0, len(drawn), _BLOCK):
        block = drawn.take(slice(start, start + _BLOCK))
        frame = pd.DataFrame(
            {name: _values(digit.field, block.codes) for name, digit in DIGITS.items()}
        )
        frame[description.CUSTOMER_ID.name] = [f"C{start + i:09d}" for i in range(len(block))]
        frame = frame.assign(**block.amounts)
        frame = frame[[column.name for column in COLUMNS]].assign(day="2026-01-31", load=1)
        text = io.StringIO()
        frame.to_csv(text, header=False, index=False)
        yield text.getvalue()


def _values(one: Field, codes: NDArray[np.int64]) -> NDArray[np.generic]:
    found = _index(codes, one)
    return found if one.kind is FieldKind.COUNT else np.array(one.values)[found]
