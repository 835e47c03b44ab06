"""The service's addresses."""

import asyncio
from typing import Annotated, cast

from fastapi import APIRouter, Depends, Request

from serving.api.live_model import LiveModel
from serving.api.predicting import DirectRoute
from serving.api.prediction_log import PredictionLog
from serving.api.schemas import (
    EXAMPLES,
    Explain,
    LogOut,
    ModelOut,
    Prediction,
    ProblemOut,
    Ready,
    customer_schema,
)

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


async def predict(explain: Explain = Explain.SHORT, protected: bool = False) -> None:
    """Say whether a customer will leave, how sure that is, and why.

    `explain=none` leaves the reasons out, `full` gives all of them and what could be changed;
    `protected=true` shows gender and age among the reasons.
    """


router.add_api_route(
    "/predict",
    predict,
    methods=["POST"],
    route_class_override=DirectRoute,
    openapi_extra=_BODY,
    response_model=None,
    responses={200: {"model": Prediction}, **_PROBLEMS},
)


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
    state = await asyncio.to_thread(log.state)
    return Ready(
        status="degraded" if state.is_full else "ready",
        model_version=live.model.version,
        refused=live.refused,
        prediction_log=LogOut(**vars(state)),
    )
