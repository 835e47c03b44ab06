"""Scores a logged prediction again with the version that served it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC
from uuid import UUID

from churn.core.errors import ChurnError
from churn.customer.parsing import parse_customer
from churn.registry import loaded_model
from churn.registry.events import EventKind, last_of
from churn.registry.loaded_model import LoadedModel
from churn.registry.store import ModelStore
from churn.warehouse.connect import Connection, placeholders, statement


class CannotReplayError(ChurnError):
    """A prediction, or the version that served it, is not there."""


@dataclass(frozen=True)
class Answer:
    """What a version answers about a customer; ``contact`` is not in logs older than it."""

    probability: float
    prediction: int
    contact: bool | None

    def __str__(self) -> str:
        contact = "" if self.contact is None else f", contact {str(self.contact).lower()}"
        return f"{self.probability!r}, prediction {self.prediction}{contact}"

    def as_logged(self, logged: "Answer") -> "Answer":
        """Return what a log that holds no more than ``logged`` would have of this answer."""
        return replace(self, contact=None) if logged.contact is None else self


@dataclass(frozen=True)
class Logged:
    """What ``prediction_logs`` has of a prediction."""

    version: str
    answer: Answer
    features: Mapping[str, object]


@dataclass(frozen=True)
class Replay:
    """A prediction as it was answered, alone or in a batch, and as its version answers it now."""

    logged: Logged
    now: Answer

    @property
    def is_same(self) -> bool:
        """Whether it is the same to the last bit."""
        return self.logged.answer == self.now

    def __str__(self) -> str:
        if self.is_same:
            return f"{self.logged.version}: {self.now}: the same to the last bit"
        difference = abs(self.now.probability - self.logged.answer.probability)
        return (
            f"{self.logged.version}: {self.now}; logged: {self.logged.answer}; "
            f"the probability differs by {difference:.3g}"
        )


def replay(connection: Connection, store: ModelStore, prediction_id: str) -> Replay:
    """Score a logged prediction again.

    Raises:
        CannotReplayError: the id is unknown, or the version that served it was removed.
    """
    logged = read_logged(connection, prediction_id)
    model = _load(connection, store, logged.version)
    customer = parse_customer(logged.features)
    score = model.score(customer)
    now = Answer(score.probability, score.prediction, model.decision(score, customer).contact)
    return Replay(logged, now.as_logged(logged.answer))


def read_logged(connection: Connection, prediction_id: str) -> Logged:
    """Return a logged prediction.

    Raises:
        CannotReplayError: there is none of this id.
    """
    try:
        values = {"prediction_id": UUID(prediction_id)}
    except ValueError:
        raise CannotReplayError(f"{prediction_id!r} is not the id of a prediction") from None
    row = connection.execute(
        statement("read_prediction", **placeholders(values)), values
    ).fetchone()
    if row is None:
        raise CannotReplayError(
            f"{prediction_id}: no such prediction is logged; one that was just answered may still "
            "wait in the service's spool"
        )
    if row[-1] is None:
        raise CannotReplayError(
            f"{prediction_id}: the values it was made from were left out of the log "
            "(CHURN_LOG_FEATURES=off), so it cannot be made again"
        )
    version, probability, prediction, contact, features = row
    return Logged(version, Answer(probability, prediction, contact), features)  # type: ignore[arg-type]


def _load(connection: Connection, store: ModelStore, version: str) -> LoadedModel:
    if version in store.versions():
        return loaded_model.load_published(store, version)
    retired = last_of(connection, EventKind.RETIRED, version)
    what = "is not in this model store"
    if retired:
        moment = f"{retired.happened_at.astimezone(UTC):%Y-%m-%d %H:%M}"
        what = f"was removed at {moment} ({retired.reason})"
    raise CannotReplayError(
        f"{version}, which served this prediction, {what}; `churn reproduce` can train it again"
    )
