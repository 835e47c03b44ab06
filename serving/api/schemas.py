"""Parameters and responses, for the OpenAPI document."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from churn.model.policy import Policy
from churn.model.score import ModelFamily
from churn.registry.manifest import Metric, TrainedOn
from serving.api.prediction_log import LogState
from serving.api.workers import WorkerState


class Explain(StrEnum):
    """How many reasons an answer has."""

    NONE = "none"
    SHORT = "short"
    FULL = "full"


class _Out(BaseModel):
    model_config = ConfigDict(extra="forbid", protected_namespaces=())


class ReasonOut(_Out):
    """What one field, or a group of tied fields, adds to the log-odds of churning."""

    field: str
    value: str
    log_odds: float
    text: str


class LogOddsOut(_Out):
    """``average_customer``, the reasons, ``other`` and ``uncertainty`` add up to ``total``.

    ``other`` is the sum of what no reason shows; ``uncertainty`` the effect of unknown fields,
    which shrinks the probability towards 50 %.
    ``probability_churn`` is ``1 / (1 + exp(-total))``.
    """

    average_customer: float
    other: float
    uncertainty: float
    total: float


class ChangeOut(_Out):
    """The same customer with another value of one field: an association, not an effect."""

    field: str
    value: bool | str
    probability_churn: float
    difference: float
    text: str


class AssumptionsOut(_Out):
    """The assumptions behind ``expected_profit``; see ``docs/model.md``.

    ``acceptance``, the uplift, is not measured: only a control group measures it.
    """

    acceptance: float
    months: float
    cost: float
    margin: float
    incentive: float
    retained_acceptance: float


class Prediction(_Out):
    """The answer to a prediction request, which holds two decisions.

    ``prediction``: is the customer at least as likely to churn as to stay? ``contact``: is the
    customer worth contacting, by the version's policy? ``expected_profit`` is that of contacting,
    in currency units, under the ``assumptions``; ``threshold`` is the probability from which on a
    customer is contacted.
    ``reasons`` and ``log_odds`` are there unless ``explain=none``, ``what_if`` with
    ``explain=full``. ``interval`` contains the probability 9 times in 10 once all fields are
    known.
    ``fallback`` is true where the scorecard answered instead of the trees, which need every field.
    """

    prediction: Literal[0, 1]
    probability_churn: float
    interval: tuple[float, float]
    contact: bool
    expected_profit: float
    threshold: float
    assumptions: AssumptionsOut
    reasons: list[ReasonOut] = []
    log_odds: LogOddsOut | None = None
    what_if: list[ChangeOut] = []
    unknown_fields: list[str]
    ask_next: str | None
    scored_by: ModelFamily
    fallback: bool
    model_version: str
    prediction_id: UUID


class Unrecorded(Prediction):
    """An answer that is not recorded, and so has no ``prediction_id``."""

    prediction_id: None = None  # type: ignore[assignment]


class BatchAnswerOut(_Out):
    """The answer to one row; ``row`` counts from 1, ``interval`` is as in a single prediction."""

    row: int
    customer_id: str | None
    prediction: Literal[0, 1]
    probability_churn: float
    interval: tuple[float, float]
    contact: bool
    expected_profit: float
    threshold: float
    model_version: str
    prediction_id: UUID


class ModelOut(BaseModel):
    """The live model."""

    version: str
    created_at: str
    trained_on: TrainedOn
    threshold: float
    policy: Policy
    cross_validation: Mapping[str, Metric]
    majority_baseline: Mapping[str, float]
    refused: str | None


class Ready(_Out):
    """The service can answer; ``workers_agree`` is true if all workers serve the same version."""

    status: Literal["ready", "degraded"]
    model_version: str
    refused: str | None
    workers: list[WorkerState]
    workers_agree: bool
    prediction_log: LogState


class Alive(_Out):
    """The process runs."""

    status: Literal["alive"]


class FieldProblemOut(_Out):
    """What is wrong with one field."""

    field: str
    value: bool | int | str | None
    expected: str
    nearest: str | None = None


class BatchErrorOut(_Out):
    """Why a row could not be read; the other rows are not affected."""

    row: int
    customer_id: str | None
    error: str
    errors: list[FieldProblemOut]


class RejectedOutcomeOut(_Out):
    """Why an outcome was not recorded; ``row`` counts from 1."""

    row: int
    problems: list[FieldProblemOut]


class OutcomesOut(_Out):
    """What became of the outcomes of a request.

    ``recorded`` are new, ``known`` were recorded before, by any way. ``erased`` were left out, as
    their customer was erased since.
    """

    recorded: int
    known: int
    erased: int
    rejected: list[RejectedOutcomeOut]


class ProblemOut(_Out):
    """RFC 9457 problem details."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldProblemOut] = []
