"""Other ways of serving a scikit-learn pipeline, each in an environment of its own.

An environment is made once, under ``.local/benchmarks`` (``CHURN_BENCHMARKS`` names another
folder), with the versions of pandas and scikit-learn that the pipeline was trained with. Each peer
is used as its documentation says, with one worker; customers come with canonical values, so that
nothing has to be parsed.
"""

import importlib.metadata
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.cores import SERVER, pinned
from benchmarks.servers import Started, serving
from churn.core.settings import PROJECT
from churn.customer.description import Customer
from local.network import free_port

_HERE: Final = Path(__file__).parent
_SAME: Final = ("scikit-learn", "pandas", "numpy", "joblib", "pydantic")
_V2: Final = {bool: "BOOL", int: "INT64", float: "FP64", str: "BYTES"}


@dataclass(frozen=True)
class Peer:
    """How a peer is installed, started and asked."""

    name: str
    packages: Sequence[str]
    command: Callable[[Path, int], Sequence[str]]
    path: str
    ready: str
    body: Callable[[Customer], object]
    probability: Callable[[Any], float]
    prepare: Sequence[str] = ()


def _records(known: Customer) -> object:
    return {"dataframe_records": [dict(known)]}


def _one(known: Customer) -> object:
    return {"customer": dict(known)}


def _tensors(known: Customer) -> object:
    tensors = [
        {"name": name, "shape": [1, 1], "datatype": _V2[type(value)], "data": [value]}
        for name, value in known.items()
    ]
    return {"inputs": tensors}


PEERS: Final = (
    Peer(
        "MLflow",
        ("mlflow",),
        lambda home, port: (
            *(str(home / "bin" / "mlflow"), "models", "serve", "--env-manager", "local"),
            *("--model-uri", str(home / "saved"), "--port", str(port), "--workers", "1"),
        ),
        "/invocations",
        "/ping",
        _records,
        lambda answer: float(answer["predictions"][0][1]),
        prepare=("-m", "mlflow_saved"),
    ),
    Peer(
        "BentoML",
        ("bentoml",),
        lambda home, port: (
            *(str(home / "bin" / "bentoml"), "serve", "bentoml_service:Churn"),
            *("--port", str(port), "--working-dir", str(_HERE)),
        ),
        "/predict",
        "/readyz",
        _one,
        float,
    ),
    Peer(
        "MLServer",
        ("mlserver",),
        lambda home, port: (str(home / "bin" / "python"), "-m", "mlserver_settings", str(port)),
        "/v2/models/churn/infer",
        "/v2/health/ready",
        _tensors,
        lambda answer: float(answer["outputs"][0]["data"][0]),
    ),
    Peer(
        "LitServe",
        ("litserve",),
        lambda home, port: (str(home / "bin" / "python"), "-m", "litserve_server", str(port)),
        "/predict",
        "/health",
        _one,
        lambda answer: float(answer["probability"]),
    ),
)


def made(peer: Peer) -> Path:
    """Return the peer's environment, made if it is not there."""
    folder = Path(os.environ.get("CHURN_BENCHMARKS") or PROJECT / ".local" / "benchmarks")
    home = folder / peer.name.lower()
    stamp = home / "made.json"
    wanted = json.dumps([*peer.packages, *(f"{n}=={importlib.metadata.version(n)}" for n in _SAME)])
    if not stamp.exists() or stamp.read_text() != wanted:
        uv = (sys.executable, "-m", "uv")
        _run(*uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(home))
        python = str(home / "bin" / "python")
        _run(*uv, "pip", "install", "--quiet", "--python", python, *json.loads(wanted))
        stamp.write_text(wanted)
    return home


@contextmanager
def started(peer: Peer, pipeline: Path, log: Path) -> Iterator[Started]:
    """Serve the pipeline by a peer for the length of a block."""
    home, port = made(peer), free_port()
    environment = _environment(home, pipeline)
    if peer.prepare:
        _run(str(home / "bin" / "python"), *peer.prepare, str(home), environment=environment)
    command = (*pinned(SERVER), *peer.command(home, port))
    with serving(command, port, peer.ready, environment=environment, log=log) as server:
        yield server


def _environment(home: Path, pipeline: Path) -> Mapping[str, str]:
    """Return what a peer finds: the pipeline, the code that it is made of, its own programs."""
    path = f"{home / 'bin'}{os.pathsep}{os.environ['PATH']}"
    code = os.pathsep.join(map(str, (PROJECT / "include", _HERE)))
    quiet = {
        "BENTOML_DO_NOT_TRACK": "True",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "1",
    }
    return {"PATH": path, "PYTHONPATH": code, "CHURN_PIPELINE": str(pipeline), **quiet}


def _run(*command: str, environment: Mapping[str, str] | None = None) -> None:
    whole = {**os.environ, **(environment or {})}
    done = subprocess.run(
        command, check=False, env=whole, capture_output=True, text=True, timeout=900
    )
    if done.returncode:
        raise RuntimeError(
            f"{' '.join(command[:6])} failed:\n{(done.stderr or done.stdout)[-2_000:]}"
        )
