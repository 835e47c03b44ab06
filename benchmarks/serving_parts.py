"""Where the time of a prediction goes, part by part, in one process without a network."""

import json
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from benchmarks.installation import Installation
from churn.customer.parsing import parse_customer
from churn.registry.loaded_model import load_model
from serving.api.answers import AnswerOptions, answer
from serving.api.predicting import record
from serving.api.reading import read_object
from serving.api.worker_spool import WorkerSpool

_TIMES: Final = 5
_LIMIT: Final = 10**9


def parts(installation: Installation) -> str:
    """Return microseconds of each part, as a sentence."""
    model = load_model(installation.store.published(installation.store.current()))
    bodies = [json.dumps(row).encode() for row in installation.rows]
    contents = [read_object(body) for body in bodies]
    knowns = [parse_customer(content) for content in contents]
    answers = [answer(model, known, AnswerOptions(), "") for known in knowns]
    records = [record(a, k) for a, k in zip(answers, knowns, strict=True)]
    with WorkerSpool(installation.home / "parts", limit=_LIMIT) as spool:
        found = {
            "JSON in": _timed(read_object, bodies),
            "parsing": _timed(parse_customer, contents),
            "score": _timed(model.score, knowns),
            "score, reasons, texts": _timed(
                lambda k: answer(model, k, AnswerOptions(), ""), knowns
            ),
            "JSON out": _timed(msgspec.json.encode, answers),
            "record": _timed(lambda n: record(answers[n], knowns[n]), range(len(knowns))),
            "write": _timed(spool.add, records),
        }
    told = ", ".join(f"{name} {microseconds:.1f}" for name, microseconds in found.items())
    return (
        f"Microseconds of a prediction's parts, in process: {told}; the rest is uvicorn and ASGI."
    )


def _timed(work: Callable[[Any], object], over: Sequence[Any]) -> float:
    """Return microseconds for one, the median of a few rounds over all."""
    rounds = []
    for _ in range(_TIMES):
        started = time.perf_counter()
        for each in over:
            work(each)
        rounds.append((time.perf_counter() - started) / len(over) * 1e6)
    return statistics.median(rounds)
