"""What the first start shows when everything works."""

import json
from collections.abc import Iterator

from local.environment import ADMIN
from local.serving import find_serving, table
from local.stack import Stack
from local.web import Answer, Document, call

# The request of the project this one grew from: four fields, coded as numbers.
FIRST_CUSTOMER = {"tenure": 5, "monthly_charges": 95.5, "gender": 1, "partner": 0}


def summary(stack: Stack) -> Iterator[str]:
    """Yield the lines: places, the model's figures, a prediction with its reasons."""
    yield from places(stack)
    if found := find_serving(stack):
        yield ""
        yield from table(found)
    yield from prediction(stack, call(stack.ports.api, "/predict", body=FIRST_CUSTOMER))


def places(stack: Stack) -> Iterator[str]:
    """Yield where to look and with which password."""
    yield ""
    place = "AIRFLOW_ADMIN_PASSWORD in the file below"
    yield f"  Airflow      {stack.airflow_url}   user {ADMIN}, password: {place}"
    yield f"  Service      {stack.api_url}/docs"
    yield f"  Credentials  {stack.layout.secrets}   (mode 600)"
    yield f"  Logs         {stack.layout.logs}"


def prediction(stack: Stack, answered: Answer) -> Iterator[str]:
    """Yield a request that can be pasted, its answer, and why."""
    yield ""
    yield f"  curl -X POST {stack.api_url}/predict -H 'Content-Type: application/json' \\"
    yield f"       -d '{json.dumps(FIRST_CUSTOMER)}'"
    yield from _scored(answered.body) if answered.ok else _refused(answered)
    yield ""


def _scored(answer: Document) -> Iterator[str]:
    interval = [one.number() for one in answer.parts("interval")]
    between = (
        f" (between {interval[0]:.2f} and {interval[1]:.2f} with what is unknown)"
        if len(interval) > 1
        else ""
    )
    probability = f"probability_churn {answer.number('probability_churn'):.4f}"
    yield f"  -> prediction {answer.text('prediction')}, {probability}{between}"
    contact, profit = answer.text("contact").lower(), answer.number("expected_profit")
    assumed = "by the assumptions in docs/model.md"
    yield f"     contact {contact}, expected profit {profit:.2f} {assumed}"
    for reason in answer.parts("reasons"):
        text = reason.text("text") or reason.text("field")
        yield f"     {reason.number('log_odds'):+.2f}  {text}"


def _refused(answered: Answer) -> Iterator[str]:
    reason = answered.body.text("detail") or answered.body.text("title") or "no answer"
    yield f"  -> {answered.status}: {reason}"
