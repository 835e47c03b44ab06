"""Requests per second and waiting times of ``/predict``, beside a bare FastAPI route and peers.

The reference is a FastAPI route with the request model of ``/predict`` that returns a constant
(``benchmarks.reference_app``), under the same uvicorn settings. The rows are measured in turn,
round after round, so that a busy machine is unfair to all of them alike; figures are medians.
"""

import json
import statistics
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Final

from benchmarks import cores, peers
from benchmarks.cores import LOAD, SERVER
from benchmarks.http_load import Load, Plan, load
from benchmarks.installation import Installation, installed
from benchmarks.servers import uvicorn
from benchmarks.serving_extras import SERVICE, batches, bodies, drain, publishes
from benchmarks.serving_parts import parts
from benchmarks.serving_table import ServingTable
from churn.model.score import TOLERANCE
from churn.registry.loaded_model import load_model

ROUNDS: Final = 5
REFERENCE: Final = "bare FastAPI route, 16 connections (reference)"
SHORT: Final = "/predict, short reasons, durable log, 16 connections"
_SECONDS: Final = 2.0
_CONNECTIONS: Final = (1, 64, 256)
_PEER_ROUNDS: Final = 3
_COMPARED: Final = 20


def measure() -> ServingTable:
    """Return the table; about four minutes, and longer the first time, for the peers."""
    with installed() as installation:
        cores.pin(LOAD)
        loads = dict(_service(installation))
        beside, times = _peers(installation)
        loads |= beside
        notes = [
            f"{cores.told()}; one worker where nothing else is said.",
            f"`/predict` answered {min(times.values()):.0f} times as many requests as the fastest "
            f"peer, in the same rounds ({_listed(times)}); every peer's answers were equal to its.",
            publishes(installation),
            batches(installation),
            parts(installation),
        ]
    return ServingTable("Serving", loads, REFERENCE, notes)


def _listed(times: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {number:.0f}" for name, number in times.items())


def _service(installation: Installation) -> Iterator[tuple[str, list[Load]]]:
    log, environment = installation.home / "service.log", installation.environment
    with ExitStack() as stack:
        start = stack.enter_context
        bare = start(uvicorn("benchmarks.reference_app:app", environment=environment, log=log))
        ours = start(uvicorn(SERVICE, "--factory", environment=environment, log=log))
        two = start(
            uvicorn(
                SERVICE,
                *("--factory", "--workers", "2"),
                environment={**environment, "CHURN_SPOOL": str(installation.home / "two")},
                log=log,
                cores=(SERVER, LOAD),
            )
        )
        requests = bodies(installation)
        plans = {
            REFERENCE: Plan(bare.port, "/predict", requests),
            SHORT: Plan(ours.port, "/predict", requests),
            "/predict, no explanation": Plan(ours.port, "/predict?explain=none", requests),
            "/predict, full explanation": Plan(ours.port, "/predict?explain=full", requests),
        }
        for number in _CONNECTIONS:
            plans[f"bare route, {number} connections"] = Plan(
                bare.port, "/predict", requests, number
            )
            plans[f"/predict, {number} connections"] = Plan(ours.port, "/predict", requests, number)
        plans["/predict, 2 workers on both cores"] = Plan(two.port, "/predict", requests)
        found = _in_turn(plans, ROUNDS)
        _require_logged(installation, found)
    yield from found.items()


def _in_turn(plans: Mapping[str, Plan], rounds: int) -> dict[str, list[Load]]:
    found: dict[str, list[Load]] = {name: [] for name in plans}
    for number in range(rounds + 1):
        for name, plan in plans.items():
            done = load(plan)
            if done.failed:
                raise RuntimeError(f"{name}: {done.statuses}")
            if number:  # the first round warms up
                found[name].append(done)
    return found


def _require_logged(installation: Installation, found: Mapping[str, Sequence[Load]]) -> None:
    """What is measured counts only if it was recorded, too."""
    drain(installation)
    answered = sum(
        each.statuses["200"]
        for name, loads in found.items()
        if "/predict" in name
        for each in loads
    )
    if installation.logged() < answered:
        raise RuntimeError(f"{answered} were answered, {installation.logged()} are in the log")


def _peers(installation: Installation) -> tuple[dict[str, list[Load]], dict[str, float]]:
    """Return each peer's loads, and how many times as many the service answered beside it."""
    found: dict[str, list[Load]] = {}
    times: dict[str, float] = {}
    log, environment = installation.home / "peer.log", installation.environment
    pipeline = installation.home / "model.joblib"
    with uvicorn(SERVICE, "--factory", environment=environment, log=log) as service:
        ours = Plan(service.port, "/predict", bodies(installation))
        for peer in peers.PEERS:
            with peers.started(peer, pipeline, log) as server:
                _require_equal(peer, server.port, installation)
                records = [json.dumps(peer.body(row)) for row in installation.rows]
                theirs = Plan(server.port, peer.path, records)
                both = _in_turn({SHORT: ours, peer.name: theirs}, _PEER_ROUNDS)
            found[peer.name] = both[peer.name]
            pairs = zip(both[SHORT], both[peer.name], strict=True)
            times[peer.name] = statistics.median(a.per_second / b.per_second for a, b in pairs)
    return found, times


def _require_equal(peer: peers.Peer, port: int, installation: Installation) -> None:
    model = load_model(installation.store.published(installation.store.current()))
    for row in installation.rows[:_COMPARED]:
        body = json.dumps(peer.body(row))
        answered = load(Plan(port, peer.path, [body], connections=1, seconds=0))
        theirs = peer.probability(json.loads(answered.sample))
        ours = model.score(row).probability
        if abs(theirs - ours) > TOLERANCE:
            raise RuntimeError(f"{peer.name} answers {theirs!r}, the service {ours!r}")
