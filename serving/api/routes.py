"""The service's addresses."""

import json
import sqlite3
import uuid
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, cast

from fastapi import APIRouter, Depends, Request

from churn.customer import CUSTOMER_ID, FEATURES, Known
from churn.model.explanation import Reason, reasons
from churn.model.score import Score
from churn.parsing import parse_customer
from churn.scoring import LoadedModel
from serving.api.live_model import LiveModel
from serving.api.prediction_log import PredictionLog
from serving.api.problems import ProblemError
from serving.api.schemas import (
    EXAMPLES,
    LogState,
    ModelOut,
    Prediction,
    ProblemOut,
    Ready,
    ReasonOut,
    customer_schema,
)

MAX_BODY_BYTES = 1 << 16
MOST_REASONS = 5
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


@router.post("/predict", openapi_extra=_BODY, responses=_PROBLEMS)
async def predict(request: Request, live: Live, log: Log) -> Prediction:
    """Say whether a customer will leave, how sure that is, and why."""
    known = parse_customer(await _read_object(request))
    if not any(name in known for name in _NAMES):
        raise ProblemError(
            HTTPStatus.UNPROCESSABLE_ENTITY, f"give at least one of {', '.join(_NAMES)}"
        )
    model = live.model
    score = model.score(known)
    answer = _answer(model, known, score)
    try:
        log.add(_record(answer, known))
    except sqlite3.Error as error:
        detail = f"the prediction could not be recorded, so it is not given: {error}"
        raise ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, detail) from None
    return answer


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


def _answer(model: LoadedModel, known: Known, score: Score) -> Prediction:
    return Prediction(
        prediction=int(model.decide(score)),
        probability_churn=score.probability,
        interval=score.interval,
        threshold=model.manifest.threshold,
        reasons=list(map(_reason, reasons(known, score)[:MOST_REASONS])),
        unknown_fields=[name for name in _NAMES if name not in known],
        model_version=model.version,
        prediction_id=str(uuid.uuid4()),
    )


def _reason(reason: Reason) -> ReasonOut:
    return ReasonOut(
        field=reason.field, value=reason.value, log_odds=reason.log_odds, text=reason.text
    )


def _record(answer: Prediction, known: Known) -> dict[str, object]:
    return {
        "prediction_id": answer.prediction_id,
        "predicted_at": datetime.now(UTC).isoformat(),
        "customer_id": known.get(CUSTOMER_ID.name),
        "model_version": answer.model_version,
        "probability_churn": answer.probability_churn,
        "prediction": answer.prediction,
        "threshold": answer.threshold,
        "features": {name: value for name, value in known.items() if name != CUSTOMER_ID.name},
    }
