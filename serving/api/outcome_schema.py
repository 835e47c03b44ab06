"""The OpenAPI description of ``POST /outcomes``: what the parser takes, but for future times."""

from typing import Any, Final

from churn.customer.description import CHURN, CUSTOMER_ID
from churn.warehouse.outcomes.outcome import (
    CHURNED,
    CONTACTED,
    OBSERVED_AT,
    PREDICTION_ID,
    RECORDED_AT,
    REQUIRED,
)
from serving.api.customer_schema import UNKNOWN, Schema, flag_words, identifiers
from serving.api.document import problem_responses
from serving.api.schemas import OutcomesOut

_DAY: Final = (
    r"[0-9]{4}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])"
    r"|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
)
_CLOCK: Final = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_ZONE: Final = rf"(?: ?(?:[Zz]|[+-]{_CLOCK}))"
_TIME: Final = rf"^{_DAY}(?:[Tt ]{_CLOCK}(?::[0-5][0-9](?:\.[0-9]{{1,9}})?)?{_ZONE}?)?$"
_UUID: Final = r"^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
_MOMENT: Final[Schema] = {"type": "string", "pattern": _TIME, "examples": ["2026-01-31"]}
_ID: Final = "0c6f3a4e-8f53-4d7e-9a37-4f1e1f0d9d10"

_LEFT: Final = {"customer_id": "7590-VHVEG", "churned": "Yes", "observed_at": "2026-01-31"}
_STAYED: Final = {
    "prediction_id": _ID,
    "churned": False,
    "observed_at": "2026-01-31T18:30:00+01:00",
    "contacted": True,
}
_EXAMPLES: Final = {
    "a customer left": {"value": _LEFT},
    "a customer is still there, and was contacted": {"value": _STAYED},
    "two outcomes, one of them wrong": {"value": [_LEFT, {"churned": "perhaps"}]},
}
_NDJSON: Final = (
    "One object per line: "
    '`{"customer_id": "7590-VHVEG", "churned": "Yes", "observed_at": "2026-01-31"}`'
)
_CSV: Final = rf"^{CUSTOMER_ID.name},{CHURNED},{OBSERVED_AT}\r?\n"
_CSV_EXAMPLE: Final = "customer_id,churned,observed_at,contacted\n7590-VHVEG,Yes,2026-01-31,No\n"


def outcome_schema() -> Schema:
    """Return the schema of an outcome."""
    return {
        "type": "object",
        "properties": {
            PREDICTION_ID: _either(
                "The `prediction_id` of an answer.", {"type": "string", "pattern": _UUID}
            ),
            CUSTOMER_ID.name: _either(CUSTOMER_ID.description, *identifiers()),
            CHURNED: {
                "description": f"Whether the customer left. {CHURN.allowed}",
                "anyOf": flag_words(CHURN),
            },
            OBSERVED_AT: {
                **_MOMENT,
                "description": "When the customer left, or the moment as of which the customer "
                "was still there: a date (its midnight in UTC), or a time (in UTC without a "
                "zone); not in the future.",
            },
            RECORDED_AT: _either(
                "When your system recorded it; by default `observed_at`. Of contradictory "
                "outcomes the last recorded one counts.",
                _MOMENT,
            ),
            CONTACTED: _either(
                "Whether a person contacted the customer about staying.", *flag_words(CHURN)
            ),
        },
        "required": list(REQUIRED),
        "additionalProperties": False,
        "anyOf": [
            {"required": [name], "properties": {name: {"not": {"anyOf": UNKNOWN}}}}
            for name in (PREDICTION_ID, CUSTOMER_ID.name)
        ],
    }


def outcomes_operation() -> dict[str, Any]:
    """Return the description of the request, in three formats."""
    array = {"type": "array", "description": "Outcomes; another element is rejected alone."}
    content = {
        "application/json": {
            "schema": {"anyOf": [outcome_schema(), array]},
            "examples": _EXAMPLES,
        },
        "application/x-ndjson": {"schema": {"type": "string", "description": _NDJSON}},
        "text/csv": {"schema": {"type": "string", "pattern": _CSV}, "example": _CSV_EXAMPLE},
    }
    return {
        "openapi_extra": {"requestBody": {"required": True, "content": content}},
        "responses": {200: {"model": OutcomesOut}, **problem_responses(413, 415, 422, 503)},
    }


def _either(description: str, *schemas: Schema) -> Schema:
    return {"description": description, "anyOf": [*schemas, *UNKNOWN]}
