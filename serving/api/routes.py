"""The routes for one customer, the model and operations."""

import asyncio
from typing import Annotated, cast

from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.responses import RedirectResponse

from serving.api import state
from serving.api.document import MODEL, OPERATIONS, PREDICTIONS, customer_body, problem_responses
from serving.api.metrics import CONTENT_TYPE
from serving.api.predicting import DirectRoute
from serving.api.reading import LONGEST_KEY
from serving.api.schemas import Alive, Explain, ModelOut, Prediction, Ready
from serving.api.service import Service

router = APIRouter()
predict_router = APIRouter()
"""Matched before all other routes: it gets most of the requests."""

IdempotencyKey = Annotated[
    str | None,
    Header(
        max_length=LONGEST_KEY,
        description="A repeated request with the same key and customer is one prediction.",
    ),
]
AcceptLanguage = Annotated[
    str | None, Header(description="The language of the texts: en or pt.", examples=["pt-BR"])
]


def _service(request: Request) -> Service:
    return cast(Service, request.app.state.service)


TheService = Annotated[Service, Depends(_service)]


async def predict(
    explain: Explain = Explain.SHORT,
    protected: bool = False,
    idempotency_key: IdempotencyKey = None,
    accept_language: AcceptLanguage = None,
) -> None:
    """Predict whether a customer will churn, with an interval and reasons; record the prediction.

    `explain=none` omits the reasons, `explain=full` returns all of them and the possible changes;
    `protected=true` includes gender and age in the reasons.
    """


predict_router.add_api_route(
    "/predict",
    predict,
    methods=["POST"],
    tags=[PREDICTIONS],
    summary="Predict for one customer",
    route_class_override=DirectRoute,
    openapi_extra=customer_body(),
    response_model=None,
    responses={200: {"model": Prediction}, **problem_responses(413, 415, 422, 503)},
)


@router.api_route("/", methods=["GET", "HEAD"], include_in_schema=False)
async def root(request: Request) -> Response:
    """Redirect to the documentation."""
    return RedirectResponse(f"{request.scope.get('root_path', '')}/docs")


@router.get(
    "/model", tags=[MODEL], summary="Describe the live model", responses=problem_responses(503)
)
async def model(service: TheService) -> ModelOut:
    """The live version, its training data, and its quality compared with a baseline."""
    return state.model(service)


@router.get("/livez", tags=[OPERATIONS], summary="Is the process alive?")
async def livez() -> Alive:
    """Succeeds as long as the process runs, with or without a model."""
    return Alive(status="alive")


@router.get(
    "/readyz",
    tags=[OPERATIONS],
    summary="Can the service answer predictions?",
    responses=problem_responses(503),
)
async def readyz(service: TheService) -> Ready:
    """The version that each worker serves, and the predictions that wait for PostgreSQL."""
    return await asyncio.to_thread(state.ready, service)


@router.get(
    "/metrics",
    tags=[OPERATIONS],
    summary="Metrics for Prometheus",
    response_class=Response,
    responses=state.METRICS_RESPONSES,
)
async def metrics(service: TheService) -> Response:
    """Requests, predictions, rows of batches and the queue of the log, summed over all workers."""
    content = await asyncio.to_thread(state.exposition, service)
    return Response(content, media_type=CONTENT_TYPE)
