"""What goes in and out, for the OpenAPI document; the request derives from the customer."""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict

from churn.customer import CUSTOMER_ID, FEATURES
from churn.field import Field, Kind
from churn.registry.manifest import Metric, TrainedOn


class ReasonOut(BaseModel):
    """What one field, or a group of tied fields, adds to the log-odds of leaving."""

    field: str
    value: str
    log_odds: float
    text: str


class Prediction(BaseModel):
    """The answer to a prediction request."""

    model_config = ConfigDict(protected_namespaces=())

    prediction: int
    probability_churn: float
    interval: tuple[float, float]
    threshold: float
    reasons: list[ReasonOut]
    unknown_fields: list[str]
    model_version: str
    prediction_id: str


class ModelOut(BaseModel):
    """The model in use."""

    version: str
    created_at: str
    trained_on: TrainedOn
    threshold: float
    cross_validation: Mapping[str, Metric]
    majority_baseline: Mapping[str, float]
    refused: str | None


class LogState(BaseModel):
    """How many answered predictions PostgreSQL does not have yet, and why."""

    waiting: int
    trouble: str | None


class Ready(BaseModel):
    """The service can answer."""

    model_config = ConfigDict(protected_namespaces=())

    status: str
    model_version: str
    refused: str | None
    prediction_log: LogState


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
