"""Scores a logged prediction again with the version that served it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import cast
from uuid import UUID

from churn import scoring
from churn.customer import MONTHLY_CHARGES, Known
from churn.errors import ChurnError
from churn.model.block import block_of, completed_block
from churn.registry.events import Kind, last_of
from churn.registry.store import ModelStore
from churn.scoring import LoadedModel
from churn.warehouse.connect import Connection, placeholders, statement

_NOISE = 1e-12
_ROUNDING = "; the last bits differ, as exp and tanh may between processors and libraries"


class CannotReplayError(ChurnError):
    """A prediction, or the version that served it, is not there."""


@dataclass(frozen=True)
class Answer:
    """What a version answers about a customer."""

    probability: float
    prediction: int

    def __str__(self) -> str:
        return f"{self.probability!r}, prediction {self.prediction}"

    def is_near(self, other: "Answer") -> bool:
        """Whether it differs by no more than rounding."""
        difference = abs(self.probability - other.probability)
        return difference < _NOISE and self.prediction == other.prediction


@dataclass(frozen=True)
class Logged:
    """What ``prediction_logs`` has of a prediction."""

    version: str
    answer: Answer
    features: Mapping[str, object]


@dataclass(frozen=True)
class Replay:
    """A prediction as it was answered, and as its version answers it now.

    ``in_batch`` is the answer to a row of a batch: those are computed by columns, whose sums are
    rounded in another order, so that the last bits mostly differ from those of ``alone``. Either is
    the same again wherever ``exp``, ``tanh`` and ``log1p`` are, which the C library and NumPy
    compute in other ways on processors without FMA and AVX2.
    """

    logged: Logged
    alone: Answer
    in_batch: Answer

    @property
    def is_same(self) -> bool:
        """Whether it is the same to the last bit, as it was asked: alone, or in a batch."""
        return self.logged.answer in (self.alone, self.in_batch)

    def __str__(self) -> str:
        logged = self.logged.answer
        if self.is_same:
            how = "" if logged == self.alone else ", as in a batch"
            return f"{self.logged.version}: {logged}: the same to the last bit{how}"
        rounding = _ROUNDING if logged.is_near(self.alone) else ""
        return f"{self.logged.version}: {self.alone}; logged: {logged}{rounding}"


def replay(connection: Connection, store: ModelStore, prediction_id: str) -> Replay:
    """Score a logged prediction again.

    Raises:
        CannotReplayError: the id is unknown, or the version that served it was removed.
    """
    logged = read_logged(connection, prediction_id)
    model = _load(connection, store, logged.version)
    known = cast("Known", logged.features)
    return Replay(logged, _alone(model, known), _in_batch(model, known))


def _alone(model: LoadedModel, known: Known) -> Answer:
    score = model.score(known)
    return Answer(score.probability, int(model.decide(score, known)))


def _in_batch(model: LoadedModel, known: Known) -> Answer:
    block = completed_block(block_of([known])).block
    probability = model.score_block(block).probability
    leaves = model.verdicts(probability, block.numbers[MONTHLY_CHARGES.name]).leaves
    return Answer(float(probability[0]), int(leaves[0]))


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
    version, probability, prediction, features = row
    return Logged(version, Answer(probability, prediction), features)  # type: ignore[arg-type]


def _load(connection: Connection, store: ModelStore, version: str) -> LoadedModel:
    if version in store.versions():
        return scoring.load_published(store, version)
    retired = last_of(connection, Kind.RETIRED, version)
    what = "is not in this model store"
    if retired:
        moment = f"{retired.happened_at.astimezone(UTC):%Y-%m-%d %H:%M}"
        what = f"was removed at {moment} ({retired.reason})"
    raise CannotReplayError(
        f"{version}, which served this prediction, {what}; `churn reproduce` can train it again"
    )
