"""Scores a customer from the database."""

import asyncio
import logging
from http import HTTPStatus
from typing import Annotated

import psycopg
from fastapi import APIRouter, Path, Request, Response

from churn.core.errors import WarehouseError
from churn.core.settings import Settings
from churn.customer.description import Customer
from churn.customer.identifier import LONGEST_IDENTIFIER
from churn.warehouse.connect import connect, message_of
from churn.warehouse.lookup import find_customer
from serving.api.document import PREDICTIONS, problem_responses
from serving.api.predicting import language_headers
from serving.api.problems import ProblemError
from serving.api.reading import options_in
from serving.api.routes import AcceptLanguage, TheService
from serving.api.schemas import Explain, Unrecorded

_STATEMENT_TIMEOUT = "SET LOCAL statement_timeout = '5s'"

log = logging.getLogger(__name__)
router = APIRouter()


@router.get(
    "/customers/{customer_id:path}/churn",
    tags=[PREDICTIONS],
    summary="Predict for a customer of the database",
    response_model=None,
    responses={200: {"model": Unrecorded}, **problem_responses(404, 422, 503)},
)
async def predict_customer(  # noqa: PLR0913, PLR0917 - each is a parameter of the request
    request: Request,
    service: TheService,
    customer_id: Annotated[
        str,
        Path(
            max_length=LONGEST_IDENTIFIER,
            examples=["7590-VHVEG"],
            description="As in the customer file.",
        ),
    ],
    explain: Explain = Explain.SHORT,  # noqa: ARG001 - these three describe what ``options_in`` reads
    protected: bool = False,  # noqa: ARG001
    accept_language: AcceptLanguage = None,  # noqa: ARG001
) -> Response:
    """Predict whether a customer of the database will churn, with an interval and reasons.

    The prediction is made from the customer's current row. It is not recorded, so it has no
    `prediction_id`; use `POST /predict` to record one.
    """
    async with service.reading:
        customer = await _find(request.app.state.settings, customer_id)
    if customer is None:
        detail = f"there is no customer {customer_id!r} in the database"
        raise ProblemError(HTTPStatus.NOT_FOUND, detail)
    options = options_in(request.scope)
    content = service.predictor.look(customer, options)
    headers = language_headers(options.language)
    return Response(content, media_type="application/json", headers=headers)


async def _find(settings: Settings, customer_id: str) -> Customer | None:
    if "\0" in customer_id:  # PostgreSQL cannot store it
        return None
    try:
        return await asyncio.to_thread(_read, settings.database_url, customer_id)
    except (WarehouseError, psycopg.Error) as error:
        log.warning("a customer cannot be read: %s", message_of(error))
        detail = "the database does not answer; POST /predict does not need it"
        status = HTTPStatus.SERVICE_UNAVAILABLE
        raise ProblemError(status, detail, headers={"Retry-After": "5"}) from None


def _read(database_url: str, customer_id: str) -> Customer | None:
    with connect(database_url) as connection:
        connection.execute(_STATEMENT_TIMEOUT)
        return find_customer(connection, customer_id)
