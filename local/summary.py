"""What `make run` says when everything works."""

import json
from collections.abc import Iterator

from local.environment import ADMIN
from local.stack import Stack
from local.web import Document, call

# The request of the project this one grew from: four fields, coded as numbers.
FIRST_CUSTOMER = {"tenure": 5, "monthly_charges": 95.5, "gender": 1, "partner": 0}
METRICS = {
    "roc_auc": "ROC-AUC",
    "pr_auc": "PR-AUC",
    "log_loss": "log-loss",
    "brier": "Brier score",
    "accuracy": "accuracy",
}


def summary(stack: Stack) -> Iterator[str]:
    """Yield the lines: places, the model's figures, a prediction with its reasons."""
    yield from places(stack)
    yield from figures(call(stack.ports.api, "/model").body)
    yield from prediction(stack, call(stack.ports.api, "/predict", body=FIRST_CUSTOMER).body)


def places(stack: Stack) -> Iterator[str]:
    """Yield where to look and with which password."""
    yield ""
    place = "AIRFLOW_ADMIN_PASSWORD in the file below"
    yield f"  Airflow      {stack.airflow_url}   user {ADMIN}, password: {place}"
    yield f"  Service      {stack.api_url}/docs"
    yield f"  Credentials  {stack.layout.secrets}   (mode 600)"
    yield f"  Logs         {stack.layout.logs}"


def figures(model: Document) -> Iterator[str]:
    """Yield the cross-validated figures beside those of always saying "stays"."""
    trained = model.part("trained_on")
    yield ""
    everybody = f"{trained.text('customers')} customers, {trained.text('churned')} of them churned"
    yield f"  Model {model.text('version')}, from {everybody}:"
    yield f"  fitted on {trained.text('fitted')}, {trained.text('held_out')} held out"
    yield f"  {'cross-validated':17}{'model':>8}{'majority':>11}"
    for key, label in METRICS.items():
        value = model.part("cross_validation", key)
        mean = value.number("mean") if isinstance(value.value, dict) else value.number()
        yield f"  {label:17}{mean:8.4f}{model.number('majority_baseline', key):11.4f}"


def prediction(stack: Stack, answer: Document) -> Iterator[str]:
    """Yield a request that can be pasted, its answer, and why."""
    interval = [one.number() for one in answer.parts("interval")]
    between = (
        f" (between {interval[0]:.2f} and {interval[1]:.2f} with what is unknown)"
        if len(interval) > 1
        else ""
    )
    yield ""
    yield f"  curl -X POST {stack.api_url}/predict -H 'Content-Type: application/json' \\"
    yield f"       -d '{json.dumps(FIRST_CUSTOMER)}'"
    probability = f"probability_churn {answer.number('probability_churn'):.4f}"
    yield f"  -> prediction {answer.text('prediction')}, {probability}{between}"
    profit = f"expected profit {answer.number('expected_profit'):.2f}"
    yield f"     contact {answer.text('contact')}, {profit} by the assumptions in docs/model.md"
    for reason in answer.parts("reasons"):
        text = reason.text("text") or reason.text("field")
        yield f"     {reason.number('log_odds'):+.2f}  {text}"
    yield ""
