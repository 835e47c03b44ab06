"""Which version the service answers with, since when, and how good it is."""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from churn.registry.store import MANIFEST, ModelStore
from local.stack import Stack
from local.web import Document, call

METRICS: Mapping[str, str] = {
    "roc_auc": "ROC-AUC",
    "pr_auc": "PR-AUC",
    "log_loss": "log-loss",
    "brier": "Brier score",
    "accuracy": "accuracy",
}


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A cross-validated figure and the majority baseline's."""

    name: str
    model: float
    majority: float


@dataclass(frozen=True, kw_only=True)
class Serving:
    """A version that answers; ``since`` is missing where the store has no record of it."""

    version: str
    since: datetime | None
    customers: str
    churned: str
    fitted: str
    held_out: str
    metrics: tuple[Metric, ...]


def served_version(stack: Stack) -> str:
    """Return the version the service answers with, empty when it has none."""
    answer = call(stack.ports.api, "/readyz")
    return answer.body.text("model_version") if answer.ok else ""


def find_serving(stack: Stack) -> Serving | None:
    """Return what serves, as its manifest in the model store describes it."""
    version = served_version(stack)
    if not version:
        return None
    store = ModelStore(stack.layout.models)
    manifest = Document(None)
    with suppress(OSError, ValueError):
        manifest = Document(json.loads((store.published(version) / MANIFEST).read_bytes()))
    trained = manifest.part("trained_on")
    return Serving(
        version=version,
        since=next((one.since for one in store.served() if one.version == version), None),
        customers=trained.text("customers"),
        churned=trained.text("churned"),
        fitted=trained.text("fitted"),
        held_out=trained.text("held_out"),
        metrics=tuple(_metric(manifest, key) for key in METRICS),
    )


def describe(serving: Serving | None) -> Iterator[str]:
    """Yield the lines for the operator."""
    if serving is None:
        yield "no model serves: trigger churn_training in Airflow, or `churn run data/churn.csv`"
        return
    since = f", since {serving.since:%Y-%m-%d %H:%M} UTC" if serving.since else ""
    yield f"serves {serving.version}{since}"
    yield from table(serving)


def table(serving: Serving) -> Iterator[str]:
    """Yield how many customers there were and the cross-validated figures."""
    size = f"{serving.customers} customers, {serving.churned} of them churned"
    yield f"  Model {serving.version}, from {size}:"
    yield f"  fitted on {serving.fitted}, {serving.held_out} held out"
    yield f"  {'cross-validated':17}{'model':>8}{'majority':>11}"
    for one in serving.metrics:
        yield f"  {one.name:17}{one.model:8.4f}{one.majority:11.4f}"


def _metric(manifest: Document, key: str) -> Metric:
    value = manifest.part("cross_validation", key)
    mean = value.number("mean") if isinstance(value.value, dict) else value.number()
    majority = manifest.number("majority_baseline", key)
    return Metric(name=METRICS[key], model=mean, majority=majority)
