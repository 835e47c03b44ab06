"""Scores a logged prediction again with the version that served it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast
from uuid import UUID

from churn import scoring
from churn.customer import Known
from churn.errors import ChurnError
from churn.registry.events import Kind, last_of
from churn.registry.store import ModelStore
from churn.scoring import LoadedModel
from churn.warehouse.connect import Connection, placeholders, statement

_NOISE = 1e-12
_ROUNDING = (
    "; the last bits differ, as they do between types of processors where fields are missing"
)


class CannotReplayError(ChurnError):
    """A prediction, or the version that served it, is not there."""


@dataclass(frozen=True)
class Logged:
    """What ``prediction_logs`` has of a prediction."""

    version: str
    probability: float
    prediction: int
    features: Mapping[str, object]


@dataclass(frozen=True)
class Replay:
    """A prediction as it was answered, and as its version answers it now."""

    logged: Logged
    probability: float
    prediction: int

    @property
    def is_same(self) -> bool:
        """Whether both are the same to the last bit."""
        then = (self.logged.probability.hex(), self.logged.prediction)
        return then == (self.probability.hex(), self.prediction)

    def __str__(self) -> str:
        told = f"{self.logged.version}: {self.probability!r}, prediction {self.prediction}"
        if self.is_same:
            return f"{told}: the same to the last bit"
        then = f"logged: {self.logged.probability!r}, prediction {self.logged.prediction}"
        return f"{told}; {then}{_ROUNDING if self._is_rounding else ''}"

    @property
    def _is_rounding(self) -> bool:
        difference = abs(self.probability - self.logged.probability)
        return difference < _NOISE and self.prediction == self.logged.prediction


def replay(connection: Connection, store: ModelStore, prediction_id: str) -> Replay:
    """Score a logged prediction again.

    Raises:
        CannotReplayError: the id is unknown, or the version that served it was removed.
    """
    logged = read_logged(connection, prediction_id)
    model = _load(connection, store, logged.version)
    known = cast("Known", logged.features)
    score = model.score(known)
    return Replay(logged, score.probability, int(model.decide(score, known)))


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
    return Logged(*row)  # type: ignore[arg-type]


def _load(connection: Connection, store: ModelStore, version: str) -> LoadedModel:
    if version in store.versions():
        return scoring.load_model(store.published(version))
    retired = last_of(connection, Kind.RETIRED, version)
    when = (
        f"was removed at {retired.happened_at:%Y-%m-%d %H:%M} ({retired.reason})" if retired else ""
    )
    raise CannotReplayError(
        f"{version}, which served this prediction, {when or 'is not in this model store'}; "
        "`churn reproduce` can train it again"
    )
