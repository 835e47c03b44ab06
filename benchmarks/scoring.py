"""Scoring one customer, beside scikit-learn's pipeline of the same model on a one-row frame.

Seconds are for 10,000 customers, one after the other in one thread. The trees have the size of the
challengers: 300 boosted trees of depth 3, and a forest of 100 trees of depth 8.
"""

import csv
import gc
import itertools
import random
import statistics
import time
import tracemalloc
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import pandas as pd
import xgboost

from benchmarks.table import Table
from churn.customer.description import CHURN, FEATURES, Customer
from churn.customer.parsing import parse_customer
from churn.model.block import block_of
from churn.model.block_score import score_block
from churn.model.boosted import TREE_NAMES, BoostedModel, matrix
from churn.model.conditioning import MOST_PATTERNS, Conditioner
from churn.model.explanation import explain
from churn.model.scorecard import Scorecard
from churn.model.what_if import what_if
from churn.training.compiling import block_of_frame, compile_scorecard
from churn.training.encoded_customers import Encoded
from churn.training.features import pipeline, probabilities, target

CUSTOMERS: Final = 10_000
RUNS: Final = 5
REFERENCE: Final = "scikit-learn pipeline, one-row frame (reference)"
SCORECARD: Final = "scorecard, every field"
_FILE = Path(__file__).parents[1] / "data" / "churn.csv"
_TREES: Final[Mapping[str, tuple[dict[str, object], int]]] = {
    "300 boosted trees": ({"eta": 0.05, "max_depth": 3}, 300),
    "forest of 100": ({"eta": 1, "max_depth": 8, "num_parallel_tree": 100, "subsample": 0.6}, 1),
}


def measure() -> Table:
    """Return how long each way of scoring takes."""
    frame = customers()
    y = target(frame)
    rows = block_of_frame(frame).customers()
    model = pipeline().fit(frame, y)
    scorecard = compile_scorecard(model, Encoded.of(frame))
    ones = itertools.cycle([frame.iloc[[i]] for i in range(100)])
    seconds = {REFERENCE: _timed(lambda _: probabilities(model, next(ones)), rows[:100])}
    seconds |= _scorecard(scorecard, rows)
    for name, (parameters, rounds) in _TREES.items():
        data = xgboost.DMatrix(matrix(rows), y, feature_names=TREE_NAMES)
        booster = xgboost.train({**parameters, "objective": "binary:logistic"}, data, rounds)
        seconds |= _trees(name, BoostedModel.from_json(bytes(booster.save_raw("json"))), rows)
    title = f"Scoring {CUSTOMERS:,} customers, one after the other"
    times = statistics.median(seconds[REFERENCE]) / statistics.median(seconds[SCORECARD])
    faster = f"The scorecard is {times:,.0f} times as fast as the reference."
    return Table(title, seconds, f"{faster} {_memory(scorecard)}")


def customers() -> pd.DataFrame:
    """Return the customers of the file that the project comes with."""
    with _FILE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    known = [parse_customer({k: v for k, v in r.items() if k != CHURN.header}) for r in rows]
    return pd.DataFrame(known).assign(**{CHURN.name: [r[CHURN.header] == "Yes" for r in rows]})


def _timed(score: Callable[[Customer], object], rows: Sequence[Customer]) -> list[float]:
    """Return the seconds of some runs, each scaled to as many customers as the table says."""
    score(rows[0])
    found = []
    for _ in range(RUNS):
        started = time.perf_counter()
        for row in rows:
            score(row)
        found.append((time.perf_counter() - started) * CUSTOMERS / len(rows))
    return found


def _scorecard(scorecard: Scorecard, rows: list[Customer]) -> dict[str, list[float]]:
    conditioner = Conditioner(scorecard)
    names = ("tenure", "monthly_charges", "partner")
    few = [parse_customer({name: row[name] for name in names}) for row in rows]
    patterns = _patterns()
    return {
        SCORECARD: _timed(lambda r: conditioner.score(r).probability, rows),
        "scorecard, three fields": _timed(lambda r: conditioner.score(r).probability, few),
        "scorecard, with three reasons": _timed(
            lambda r: explain(r, conditioner.score(r), most=3), rows
        ),
        "scorecard, every what-if": _timed(lambda r: what_if(r, conditioner.changed), rows[:1_000]),
        "scorecard, in one call": [
            seconds / len(rows)
            for seconds in _timed(lambda _: score_block(conditioner, block_of(rows)), rows[:1])
        ],
        "a pattern of fields for the first time": _timed(
            lambda _: conditioner.pattern(next(patterns)), rows[:200]
        ),
    }


def _trees(name: str, model: BoostedModel, rows: list[Customer]) -> dict[str, list[float]]:
    return {
        name: _timed(lambda r: model.score(r, explained=False), rows[:500]),
        f"{name}, with Shapley values": _timed(model.score, rows[:100]),
    }


def _patterns() -> Iterator[frozenset[str]]:
    """Yield random sets of fields, without an end; they hardly ever repeat."""
    chance = random.Random(7)  # noqa: S311 - a benchmark
    names = [field.name for field in FEATURES]
    while True:
        yield frozenset(chance.sample(names, chance.randint(1, len(names) - 1)))


def _memory(scorecard: Scorecard) -> str:
    conditioner = Conditioner(scorecard)
    gc.collect()
    tracemalloc.start()
    for evidence in itertools.islice(_patterns(), 4_000):
        conditioner.pattern(evidence)
    taken = tracemalloc.get_traced_memory()[0] / conditioner.pattern.cache_info().currsize
    tracemalloc.stop()
    most = taken * MOST_PATTERNS / 1e6
    return f"A pattern takes {taken:,.0f} bytes; {MOST_PATTERNS:,} are kept, {most:.0f} MB at most."
