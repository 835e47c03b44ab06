"""Answers ``POST /predict``, from the bytes of the request to those of the response.

FastAPI describes the route (``routes.predict``) but does not run it: there are no dependencies to
resolve, and ``churn.customer.parsing`` validates the customer. The record is written to the spool
before the response is sent.
"""

import uuid
from collections import OrderedDict
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final

import msgspec
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from churn.core.log_options import LogOptions, WhenFull
from churn.customer.description import CUSTOMER_ID, FEATURES, Customer
from churn.customer.parsing import parse_customer
from churn.model.phrases import Language
from serving.api.answers import AnswerOptions, JsonObject, answer
from serving.api.live_model import LiveModel
from serving.api.metrics import Metrics
from serving.api.prediction_log import PredictionLog
from serving.api.problems import ProblemError
from serving.api.random_ids import fresh_ids
from serving.api.reading import key_in, options_in, read_body, read_object, require_json
from serving.api.worker_spool import NotRecordedError

_MOST_KEPT: Final = 10_000
_NAMESPACE: Final = uuid.UUID("5d6b5a56-6a3c-5d0e-9d0b-6f7d0f6f2d11")
_NAMES: Final = frozenset(field.name for field in FEATURES)
_JSON: Final = (b"content-type", b"application/json")
_VARY: Final = (b"vary", b"accept-language")
_LANGUAGE: Final = {one: ((b"content-language", one.encode()), _VARY) for one in Language}
_encode = msgspec.json.Encoder().encode


class Predictor:
    """Answers requests with the live model, and records each answer."""

    def __init__(
        self, live: LiveModel, log: PredictionLog, metrics: Metrics, options: LogOptions
    ) -> None:
        self._live = live
        self._log = log
        self._metrics = metrics
        self._options = options
        self._kept: OrderedDict[tuple[str, AnswerOptions], bytes] = OrderedDict()
        self._ids = fresh_ids()
        self._erasures = log.erasures()

    def refresh(self) -> None:
        """Forget all answers that are kept for retries when a customer was erased."""
        if (erasures := self._log.erasures()) != self._erasures:
            self._erasures = erasures
            self._kept.clear()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        options = options_in(scope)
        require_json(scope)
        most = scope["app"].state.service.limits.body_bytes
        try:
            body = await read_body(receive, most=most)
        except ClientDisconnect:
            return  # an incomplete request is neither answered nor recorded
        content = self.predict(body, options, key_in(scope))
        length = (b"content-length", b"%d" % len(content))
        headers = [_JSON, length, *_LANGUAGE[options.language]]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    def predict(self, body: bytes, options: AnswerOptions, key: bytes = b"") -> bytes:
        """Return the answer to a request's body, as JSON; it has been recorded.

        Raises:
            InvalidCustomerError: naming the fields that are wrong.
            ProblemError: the body is not a customer, or the answer cannot be recorded.
            NoModelError: no model has been published.
        """
        return self.give(parse_customer(read_object(body)), options, key)

    def give(self, customer: Customer, options: AnswerOptions, key: bytes = b"") -> bytes:
        """Return the answer for a customer, as JSON; it has been recorded.

        Raises:
            ProblemError: no field is known, or the answer cannot be recorded.
            NoModelError: no model has been published.
        """
        if _NAMES.isdisjoint(customer):
            detail = f"give at least one of {', '.join(field.name for field in FEATURES)}"
            raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, detail)
        name = keyed_name(key, customer) if key else ""
        if key and (kept := self._kept.get((name, options))):
            return kept
        model = self._live.model
        prediction_id = keyed_id(name, model.version) if key else next(self._ids)
        given = answer(model, customer, options, prediction_id)
        self._record(given, customer)
        content = _encode(given)
        if key:
            self._keep((name, options), content)
        return content

    def look(self, customer: Customer, options: AnswerOptions) -> bytes:
        """Return the answer for a customer, as JSON, without recording it: it has no id.

        Raises:
            NoModelError: no model has been published.
        """
        given = dict(answer(self._live.model, customer, options, ""))
        del given["prediction_id"]
        return _encode(given)

    def _record(self, given: JsonObject, customer: Customer) -> None:
        try:
            self._log.add(record(given, customer, features=self._options.features))
        except NotRecordedError as error:
            if self._options.when_full is WhenFull.REFUSE:
                status, headers = HTTPStatus.SERVICE_UNAVAILABLE, {"Retry-After": "5"}
                detail = f"{error}; so it is not given"
                raise ProblemError(status, detail, headers=headers) from None
        self._metrics.predicted(str(given["model_version"]), int(str(given["prediction"])))

    def _keep(self, name: tuple[str, AnswerOptions], content: bytes) -> None:
        self._kept[name] = content
        if len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)


def record(given: JsonObject, customer: Customer, *, features: bool = True) -> bytes:
    """Return the log record of an answer, as JSON."""
    kept = {name: value for name, value in customer.items() if name != CUSTOMER_ID.name}
    return _encode(
        {
            "prediction_id": given["prediction_id"],
            "predicted_at": datetime.now(UTC),
            "customer_id": customer.get(CUSTOMER_ID.name),
            "model_version": given["model_version"],
            "probability_churn": given["probability_churn"],
            "prediction": given["prediction"],
            "contact": given["contact"],
            "threshold": given["threshold"],
            "features": kept if features else None,
        }
    )


def keyed_name(key: bytes, customer: Customer) -> str:
    """Return the name of a request: its key and its customer."""
    content = msgspec.json.encode(dict(customer), order="deterministic")
    return f"{key.decode('latin-1')}\n{content.decode()}"


def keyed_id(name: str, version: str) -> str:
    """Return the id of the prediction that a version gives for a name (RFC 9562, UUIDv5).

    The prediction of another version has another id: one id never has two answers.
    """
    return str(uuid.uuid5(_NAMESPACE, f"{name}\n{version}"))


def language_headers(language: Language) -> dict[str, str]:
    """Return the headers with the language of the texts."""
    return {name.decode(): value.decode() for name, value in _LANGUAGE[language]}


class DirectRoute(APIRoute):
    """A route that FastAPI describes as any other, and that the predictor answers."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.app = _answer


async def _answer(scope: Scope, receive: Receive, send: Send) -> None:
    await scope["app"].state.predictor(scope, receive, send)
