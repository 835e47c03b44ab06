"""Completes the OpenAPI document that FastAPI derives: bodies, problems, keys."""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from churn.customer.description import FEATURES
from serving.api.customer_schema import Schema, as_in_file, customer_schema, snake_case
from serving.api.problems import MEDIA_TYPE
from serving.api.schemas import BatchAnswerOut, BatchErrorOut, ProblemOut

Responses = dict[int | str, dict[str, Any]]

PREDICTIONS = "Predictions"
MODEL = "Model"
OUTCOMES = "Outcomes"
OPERATIONS = "Operations"
TAGS = [
    {
        "name": PREDICTIONS,
        "description": "Whether customers will churn, with intervals and reasons.",
    },
    {
        "name": OUTCOMES,
        "description": "What became of predictions and customers.",
    },
    {"name": MODEL, "description": "The live model and its quality."},
    {
        "name": OPERATIONS,
        "description": "Probes for supervisors and load balancers, and metrics for Prometheus.",
    },
]

CUSTOMER = "Customer"
CUSTOMER_AS_IN_FILE = "CustomerAsInFile"
_REF = "#/components/schemas/"
_KEY = "API key"
_OPEN = frozenset({"/livez", "/readyz"})
_ANYWHERE = (
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.INTERNAL_SERVER_ERROR,
    HTTPStatus.SERVICE_UNAVAILABLE,
)
_CLOSED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_DESCRIPTIONS: Mapping[HTTPStatus, str] = {
    HTTPStatus.UNAUTHORIZED: "The API key is missing, unknown or expired.",
    HTTPStatus.FORBIDDEN: "The key lacks the scope, or no key is configured and the request comes "
    "from another machine or from a page of another origin.",
    HTTPStatus.NOT_FOUND: "There is no such customer.",
    HTTPStatus.NOT_ACCEPTABLE: "None of the accepted media types is supported.",
    HTTPStatus.REQUEST_TIMEOUT: "The request did not arrive in time.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body, or a row of it, is too large.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The media type of the body is not supported.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "A field, the body or a parameter is invalid.",
    HTTPStatus.TOO_MANY_REQUESTS: "Too many concurrent batches; retry after Retry-After.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "A bug; the log contains it under the request's id.",
    HTTPStatus.SERVICE_UNAVAILABLE: "No model yet, too many requests, or the prediction cannot be "
    "recorded; retry after Retry-After.",
}
_RETRY = {"Retry-After": {"description": "Seconds.", "schema": {"type": "string"}}}
_ANY_ROW: Schema = {
    "description": "Any other row is answered with its error. `row_id` is the caller's own id of a "
    "row: a repeated row with the same `row_id` is the same prediction.",
}
_BATCH_EXAMPLES = {
    "two rows, one of them wrong": {
        "value": [{"customer_id": "7590-VHVEG", "tenure": 5}, {"tenure": -1}],
    }
}
_NDJSON = 'One object per line: `{"customer_id": "7590-VHVEG", "tenure": 5}`'
_CSV = rf"^(?:customerID,)?(?:{'|'.join(f.header for f in FEATURES)})(?:,[A-Za-z_]+)*\r?\n"
_CSV_EXAMPLE = "customerID,tenure,Contract\n7590-VHVEG,5,One year\n"
_EXAMPLES: Mapping[str, Schema] = {
    "four fields": {
        "summary": "Four fields, with codes (gender 1 = Male, partner 0 = No)",
        "value": {"tenure": 5, "monthly_charges": 95.5, "gender": 1, "partner": 0},
    },
    "whole customer": {
        "summary": "Every field, as in the customer file",
        "value": {f.header: f.label(f.example) if f.values else f.example for f in FEATURES},
    },
    "what follows is filled in": {
        "summary": "No internet: the six add-ons follow",
        "value": {"internet_service": "No", "contract": "two year", "tenure": "24"},
    },
}


def customer_body() -> dict[str, Any]:
    """Return the request body of one customer."""
    schema = {"anyOf": [{"$ref": _REF + CUSTOMER}, {"$ref": _REF + CUSTOMER_AS_IN_FILE}]}
    content = {"application/json": {"schema": schema, "examples": dict(_EXAMPLES)}}
    return {"requestBody": {"required": True, "content": content}}


def batch_operation() -> dict[str, Any]:
    """Return the description of batches, in three formats."""
    rows = [{"$ref": _REF + CUSTOMER}, {"$ref": _REF + CUSTOMER_AS_IN_FILE}, _ANY_ROW]
    array = {"type": "array", "items": {"anyOf": rows}}
    content = {
        "application/json": {"schema": array, "examples": _BATCH_EXAMPLES},
        "application/x-ndjson": {"schema": {"type": "string", "description": _NDJSON}},
        "text/csv": {"schema": {"type": "string", "pattern": _CSV}, "example": _CSV_EXAMPLE},
    }
    answers = [{"$ref": f"{_REF}{one.__name__}"} for one in (BatchAnswerOut, BatchErrorOut)]
    answered = {
        "application/json": {"schema": {"type": "array", "items": {"anyOf": answers}}},
        "application/x-ndjson": {"schema": {"type": "string"}},
        "text/csv": {"schema": {"type": "string"}},
    }
    done = {200: {"description": "An answer or an error for each row.", "content": answered}}
    return {
        "openapi_extra": {"requestBody": {"required": True, "content": content}},
        "responses": {**done, **problem_responses(406, 413, 415, 422, 429, 503)},
    }


def problem_responses(*statuses: int) -> Responses:
    """Return the problem responses of an operation, without those that all have."""
    return {status: _problem(HTTPStatus(status)) for status in statuses}


def _problem(status: HTTPStatus) -> dict[str, Any]:
    schema = {"$ref": f"{_REF}{ProblemOut.__name__}"}
    found = {"description": _DESCRIPTIONS[status], "content": {MEDIA_TYPE: {"schema": schema}}}
    waits = status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
    return {**found, "headers": _RETRY} if waits else found


def install(app: FastAPI) -> None:
    """Make this the application's document; it describes keys once there are some."""

    def openapi() -> dict[str, Any]:
        service = getattr(app.state, "service", None)
        return describe(app, closed=bool(service and service.authentication.have_keys))

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI's documented way to extend it


def describe(app: FastAPI, *, closed: bool) -> dict[str, Any]:
    """Return the OpenAPI document; a ``closed`` service requires keys."""
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        routes=app.routes,
        tags=TAGS,
    )
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas.update(_schemas())
    for path, operation in _operations(document):
        _complete(operation, closed=closed and path not in _OPEN)
    if closed:
        components["securitySchemes"] = {_KEY: {"type": "http", "scheme": "bearer"}}
    return document


def _schemas() -> dict[str, Schema]:
    template = f"{_REF}{{model}}"
    models = (ProblemOut, BatchAnswerOut, BatchErrorOut)
    described = {one.__name__: one.model_json_schema(ref_template=template) for one in models}
    parts = [one.pop("$defs", {}) for one in described.values()]
    return {
        **{name: schema for part in parts for name, schema in part.items()},
        **described,
        CUSTOMER: customer_schema(snake_case),
        CUSTOMER_AS_IN_FILE: customer_schema(as_in_file),
    }


def _operations(document: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, operations in document["paths"].items():
        for operation in operations.values():
            yield path, operation


def _complete(operation: dict[str, Any], *, closed: bool) -> None:
    responses = operation["responses"]
    for status, response in responses.items():
        if status == "422" and "application/json" in response.get("content", {}):
            response.update(_problem(HTTPStatus.UNPROCESSABLE_ENTITY))
    for status in (*_ANYWHERE, *(_CLOSED if closed else (HTTPStatus.FORBIDDEN,))):
        responses.setdefault(str(status.value), _problem(status))
    for response in responses.values():
        response.setdefault("headers", {})["X-Request-ID"] = {"schema": {"type": "string"}}
    if closed:
        operation["security"] = [{_KEY: []}]
