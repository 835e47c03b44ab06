"""What goes in and out, for the OpenAPI document; the request derives from the customer."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from churn.customer import CUSTOMER_ID, FEATURES
from churn.field import Field, Kind
from churn.model.score import Family
from churn.registry.manifest import Metric, TrainedOn


class Explain(StrEnum):
    """How much an answer explains itself."""

    NONE = "none"
    SHORT = "short"
    FULL = "full"


class _Out(BaseModel):
    model_config = ConfigDict(extra="forbid", protected_namespaces=())


class ReasonOut(_Out):
    """What one field, or a group of tied fields, adds to the log-odds of leaving."""

    field: str
    value: str
    log_odds: float
    text: str


class LogOddsOut(_Out):
    """``average_customer``, the reasons, ``other`` and ``uncertainty`` add up to ``total``.

    ``other`` is what no reason shows; ``uncertainty`` the pull of unknown fields towards 50 %.
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


class Prediction(_Out):
    """The answer to a prediction request.

    ``reasons`` and ``log_odds`` are there unless ``explain=none``, ``what_if`` with
    ``explain=full``. ``interval`` holds the probability 9 times in 10, once all fields are known.
    ``fallback`` says that the scorecard answered for the trees, which need every field.
    """

    prediction: Literal[0, 1]
    probability_churn: float
    interval: tuple[float, float]
    threshold: float
    reasons: list[ReasonOut] = []
    log_odds: LogOddsOut | None = None
    what_if: list[ChangeOut] = []
    unknown_fields: list[str]
    ask_next: str | None
    scored_by: Family
    fallback: bool
    model_version: str
    prediction_id: UUID


class ModelOut(BaseModel):
    """The model in use."""

    version: str
    created_at: str
    trained_on: TrainedOn
    threshold: float
    cross_validation: Mapping[str, Metric]
    majority_baseline: Mapping[str, float]
    refused: str | None


class LogOut(BaseModel):
    """What PostgreSQL does not have yet, and why: ``bytes`` of at most ``limit``.

    ``dropped`` is how many predictions this worker could not record since it started.
    """

    waiting: int
    bytes: int
    limit: int
    dropped: int
    trouble: str | None


class Ready(BaseModel):
    """The service can answer."""

    model_config = ConfigDict(protected_namespaces=())

    status: str
    model_version: str
    refused: str | None
    prediction_log: LogOut


class ProblemOut(BaseModel):
    """RFC 9457 problem details."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[dict[str, object]] = []


def customer_schema() -> dict[str, object]:
    """Return the JSON schema of a request: any subset of a customer's fields."""
    fields = (CUSTOMER_ID, *FEATURES)
    return {
        "type": "object",
        "title": "Customer",
        "description": "Any subset of the fields, by these names or those of the customer file.",
        "properties": {field.name: _property(field) for field in fields},
        "minProperties": 1,
    }


EXAMPLES: dict[str, dict[str, object]] = {
    "four fields": {
        "summary": "Four fields, with codes (gender 1 = Male, partner 0 = No)",
        "value": {"tenure": 5, "monthly_charges": 95.5, "gender": 1, "partner": 0},
    },
    "whole customer": {
        "summary": "Every field, as in the customer file",
        "value": {f.header: f.label(f.example) if f.values else f.example for f in FEATURES},
    },
}


def _property(field: Field) -> dict[str, object]:
    about = f"{field.description} Also named {field.header}."
    if field.kind is Kind.IDENTIFIER:
        return {"type": ["string", "null"], "maxLength": 200, "description": about}
    if field.is_number:
        kind = "integer" if field.kind is Kind.COUNT else "number"
        limits = {"minimum": 0, "maximum": field.maximum}
        return {"type": [kind, "null"], **limits, "description": about}
    return {"description": f"{about} Accepts {field.allowed}, in any case, or null."}
