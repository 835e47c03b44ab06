"""The service's addresses for one customer, the model and the operator."""

import asyncio
from typing import Annotated, cast

from fastapi import APIRouter, Depends, Header, Request, Response

from serving.api import state
from serving.api.document import customer_body, problems
from serving.api.metrics import CONTENT_TYPE
from serving.api.predicting import DirectRoute
from serving.api.schemas import Alive, Explain, ModelOut, Prediction, Ready
from serving.api.service import Service

router = APIRouter()

IdempotencyKey = Annotated[
    str | None,
    Header(
        max_length=255,
        description="A request sent again with the same key and customer is one prediction.",
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
    """Say whether a customer will leave, how sure that is, and why.

    `explain=none` leaves the reasons out, `full` gives all of them and what could be changed;
    `protected=true` shows gender and age among the reasons.
    """


router.add_api_route(
    "/predict",
    predict,
    methods=["POST"],
    route_class_override=DirectRoute,
    openapi_extra=customer_body(),
    response_model=None,
    responses={200: {"model": Prediction}, **problems(413, 422, 503)},
)


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
    return await asyncio.to_thread(state.ready, service)


@router.get("/metrics", response_class=Response, responses=state.METRICS_RESPONSES)
async def metrics(service: TheService) -> Response:
    """Return what is counted, of all workers, for Prometheus."""
    content = await asyncio.to_thread(state.exposition, service)
    return Response(content, media_type=CONTENT_TYPE)
