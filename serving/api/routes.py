"""The service's addresses."""

import json
import sqlite3
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, cast

from fastapi import APIRouter, Depends, Request, Response

from churn.customer import CUSTOMER_ID, FEATURES, Known
from churn.parsing import parse_customer
from serving.api.answers import Answer, Asked, answer
from serving.api.live_model import LiveModel
from serving.api.prediction_log import PredictionLog
from serving.api.problems import ProblemError
from serving.api.schemas import (
    EXAMPLES,
    Explain,
    LogState,
    ModelOut,
    Prediction,
    ProblemOut,
    Ready,
    customer_schema,
)

MAX_BODY_BYTES = 1 << 16
_NAMES = [field.name for field in FEATURES]

router = APIRouter()


def live_model(request: Request) -> LiveModel:
    """The model in use."""
    return cast(LiveModel, request.app.state.live_model)


def prediction_log(request: Request) -> PredictionLog:
    """Where answered predictions are kept."""
    return cast(PredictionLog, request.app.state.prediction_log)


Live = Annotated[LiveModel, Depends(live_model)]
Log = Annotated[PredictionLog, Depends(prediction_log)]
_PROBLEMS: dict[int | str, dict[str, object]] = {
    422: {"model": ProblemOut, "description": "A field or the body is not what is expected."},
    503: {"model": ProblemOut, "description": "No model has been published yet."},
}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": customer_schema(), "examples": EXAMPLES}},
    }
}


@router.post(
    "/predict",
    openapi_extra=_BODY,
    response_model=None,
    responses={200: {"model": Prediction}, **_PROBLEMS},
)
async def predict(
    request: Request,
    live: Live,
    log: Log,
    explain: Explain = Explain.SHORT,
    protected: bool = False,
) -> Response:
    """Say whether a customer will leave, how sure that is, and why.

    `explain=none` leaves the reasons out, `full` gives all of them and what could be changed;
    `protected=true` shows gender and age among the reasons.
    """
    known = parse_customer(await _read_object(request))
    if not any(name in known for name in _NAMES):
        raise ProblemError(
            HTTPStatus.UNPROCESSABLE_ENTITY, f"give at least one of {', '.join(_NAMES)}"
        )
    given = answer(live.model, known, Asked(explain, protected))
    try:
        log.add(_record(given, known))
    except sqlite3.Error as error:
        detail = f"the prediction could not be recorded, so it is not given: {error}"
        raise ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, detail) from None
    return Response(json.dumps(given), media_type="application/json")


@router.get("/model", responses={503: _PROBLEMS[503]})
async def model(live: Live) -> ModelOut:
    """Describe the model in use."""
    manifest = live.model.manifest
    return ModelOut(
        version=manifest.version,
        created_at=manifest.created_at.isoformat(),
        trained_on=manifest.trained_on,
        threshold=manifest.threshold,
        cross_validation=manifest.cross_validation,
        majority_baseline=manifest.majority_baseline,
        refused=live.refused,
    )


@router.get("/livez")
async def livez() -> dict[str, str]:
    """Say that the process runs."""
    return {"status": "alive"}


@router.get("/readyz", responses={503: _PROBLEMS[503]})
async def readyz(live: Live, log: Log) -> Ready:
    """Say whether the service can answer, and with which version."""
    return Ready(
        status="ready",
        model_version=live.model.version,
        refused=live.refused,
        prediction_log=LogState(waiting=log.waiting(), trouble=log.trouble),
    )


async def _read_object(request: Request) -> dict[str, object]:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            detail = f"a customer takes at most {MAX_BODY_BYTES:,} bytes"
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
