"""The service's addresses for one customer, the model and the operator."""

import json
import sqlite3
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, cast

from fastapi import APIRouter, Depends, Request, Response

from churn.customer import CUSTOMER_ID, FEATURES, Known
from churn.parsing import parse_customer
from serving.api import state
from serving.api.answers import Answer, Asked, answer
from serving.api.document import customer_body, problems
from serving.api.languages import preferred
from serving.api.metrics import CONTENT_TYPE
from serving.api.problems import ProblemError
from serving.api.schemas import Alive, Explain, ModelOut, Prediction, Ready
from serving.api.service import Service

_NAMES = [field.name for field in FEATURES]

router = APIRouter()


def _service(request: Request) -> Service:
    return cast(Service, request.app.state.service)


def _asked(
    request: Request, explain: Explain = Explain.SHORT, protected: bool = False
) -> Asked:
    """What the query and the headers ask for.

    `explain=none` leaves the reasons out, `full` gives all of them and what could be changed;
    `protected=true` shows gender and age among the reasons.
    """
    language = preferred(request.headers.get("accept-language", "").encode("latin-1"))
    return Asked(explain, protected, language)


TheService = Annotated[Service, Depends(_service)]
Asking = Annotated[Asked, Depends(_asked)]


@router.post(
    "/predict",
    openapi_extra=customer_body(),
    response_model=None,
    responses={200: {"model": Prediction}, **problems(413, 422, 503)},
)
async def predict(request: Request, service: TheService, asking: Asking) -> Response:
    """Say whether a customer will leave, how sure that is, and why.

    `explain=none` leaves the reasons out, `full` gives all of them and what could be changed;
    `protected=true` shows gender and age among the reasons.
    """
    most = service.limits.body_bytes
    return respond(service, parse_customer(await _read_object(request, most)), asking)


def respond(service: Service, known: Known, asked: Asked) -> Response:
    """Return the answer for a customer, once it is recorded.

    Raises:
        ProblemError: nothing is known of the customer, or the answer could not be recorded.
    """
    if not any(name in known for name in _NAMES):
        detail = f"give at least one of {', '.join(_NAMES)}"
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, detail)
    given = answer(service.live.model, known, asked)
    try:
        service.log.add(_record(given, known))
    except sqlite3.Error as error:
        detail = f"the prediction could not be recorded, so it is not given: {error}"
        raise ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, detail) from None
    service.metrics.predicted(str(given["model_version"]), cast(int, given["prediction"]))
    headers = {"Content-Language": asked.language, "Vary": "Accept-Language"}
    return Response(json.dumps(given), media_type="application/json", headers=headers)


@router.get("/model", responses=problems(503))
async def model(service: TheService) -> ModelOut:
    """Describe the model in use."""
    return state.model(service)


@router.get("/livez")
async def livez() -> Alive:
    """Say that the process runs."""
    return Alive(status="alive")


@router.get("/readyz", responses=problems(503))
async def readyz(service: TheService) -> Ready:
    """Say whether the service can answer, with which version, and whether its workers agree."""
    return state.ready(service)


@router.get("/metrics", response_class=Response, responses=state.METRICS_RESPONSES)
async def metrics(service: TheService) -> Response:
    """Return what is counted, of all workers, for Prometheus."""
    return Response(service.metrics.exposition(state.gauges(service)), media_type=CONTENT_TYPE)


async def _read_object(request: Request, most: int) -> dict[str, object]:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            detail = f"a customer takes at most {most:,} bytes"
            raise ProblemError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)
    try:
        content = json.loads(body, object_pairs_hook=_each_once)
    except (ValueError, RecursionError) as error:
        detail = f"the body is not JSON: {error}"
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, detail) from None
    if not isinstance(content, dict):
        detail = 'the body is not a JSON object such as {"tenure": 5, "contract": "One year"}'
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, detail)
    return content


def _each_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    content = dict(pairs)
    if len(content) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(n for n in names if names.count(n) > 1)!r} is there twice")
    return content


def _record(given: Answer, known: Known) -> dict[str, object]:
    return {
        "prediction_id": given["prediction_id"],
        "predicted_at": datetime.now(UTC).isoformat(),
        "customer_id": known.get(CUSTOMER_ID.name),
        "model_version": given["model_version"],
        "probability_churn": given["probability_churn"],
        "prediction": given["prediction"],
        "threshold": given["threshold"],
        "features": {name: value for name, value in known.items() if name != CUSTOMER_ID.name},
    }
