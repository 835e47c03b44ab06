"""Scores the live version's logged predictions again with another version, and compares the two.

The other version is the predecessor, which a promotion may have been a mistake against, or one that
is measured in the shadow of the live one before it is promoted. No request waits for this.
"""

import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from uuid import UUID

import numpy as np

from churn.core.errors import ChurnError, InvalidCustomerError
from churn.customer.description import Customer
from churn.customer.parsing import parse_customer
from churn.monitoring.alarm import Alarm, AlarmKind
from churn.monitoring.paired import Paired, Scored, compare
from churn.monitoring.performance import NO_LABEL
from churn.pipeline.monitoring.context import RunContext
from churn.registry import events, loaded_model
from churn.registry.events import EventKind
from churn.registry.loaded_model import LoadedModel
from churn.registry.store import ModelStore
from churn.warehouse.connect import Connection
from churn.warehouse.outcomes.labelled import Labelled
from churn.warehouse.predictions.counts import Window
from churn.warehouse.predictions.features import read_features

LATEST = "latest"
REGRESSION = (AlarmKind.REGRESSION, "log_loss")
_MOST = 50_000
"""Predictions that are scored again: the most recent ones with outcomes."""

log = logging.getLogger(__name__)


def predecessor(connection: Connection, live: str) -> str | None:
    """Return the version that the live one took over from; None after a rollback."""
    last = events.last_change(connection)
    if last is None or last.version != live or last.kind != EventKind.PROMOTED.value:
        return None
    return last.former


def shadow(store: ModelStore, name: str | None) -> str | None:
    """Return the version that the setting names; ``latest`` is the newest candidate."""
    if name != LATEST:
        return name
    candidates = sorted(path.name for path in store.candidates.glob("*") if path.is_dir())
    return candidates[-1] if candidates else None


def compare_with(run: RunContext, live: str, other: str, history: Labelled) -> Paired | None:
    """Compare the live version with another on the predictions whose outcomes are known.

    ``history`` has predictions of a customer that are a maturity apart.
    Of customers who were contacted the outcome may be that of the contact; they count as well, as
    it is the same for both versions. None, with the reason logged, if the other cannot be loaded.
    """
    try:
        model = _load(run.store, other)
    except ChurnError as error:
        log.warning("%s is not compared: %s", other, error)
        return None
    labelled = np.flatnonzero(history.label != NO_LABEL)
    latest = labelled[np.argsort(history.day[labelled], kind="stable")][-_MOST:]
    window = Window(live, run.first_moment, run.moment)
    return compare(_scored(run.connection, model, history.only(latest), window), live, other)


def _load(store: ModelStore, version: str) -> LoadedModel:
    if version in store.versions():
        return loaded_model.load_published(store, version)
    return loaded_model.load_model(store.candidate(version))


def _scored(connection: Connection, model: LoadedModel, chosen: Labelled, window: Window) -> Scored:
    ids = [UUID(bytes=bytes(one)) for one in chosen.prediction_id]
    features = read_features(connection, ids, window)
    customers = [_customer(features.get(one)) for one in ids]
    other = [model.score(one, explained=False).probability for one in customers if one]
    kept = chosen.only(np.array([bool(one) for one in customers], dtype=bool))
    return Scored(kept.day, kept.label.astype(np.int64), kept.probability, np.array(other))


def _customer(features: Mapping[str, Any] | None) -> Customer | None:
    """Return a logged customer; None without features, or if the description has changed since."""
    with suppress(InvalidCustomerError):
        return parse_customer(features) if features else None
    return None


def regression(paired: Paired | None) -> Alarm | None:
    """Return the alarm of a version that does worse than its predecessor."""
    if paired is None or paired.worse_since is None:
        return None
    sentence = (
        f"{paired}; the predictions up to {paired.worse_since:%-d %B %Y} were enough for an alarm"
    )
    figures = {"difference": paired.difference.value, "predictions": paired.predictions}
    return Alarm(*REGRESSION, paired.version, sentence, figures)
