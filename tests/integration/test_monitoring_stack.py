"""On the real stack: shift, alarm, message, training; outcomes, live performance, rollback."""

import csv
import http.client
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import psycopg
import pytest

from churn.core.names import MONITORING_DAG, TRAINING_DAG
from churn.monitoring.alarm import Alarm, AlarmKind
from churn.monitoring.incidents import update_incidents
from churn.warehouse.connect import connect
from local.airflow_client import Airflow, log_in
from local.databases import PIPELINE
from local.first_run import published_version
from local.layout import PROJECT
from local.network import HOST, free_port
from local.serving import served_version
from local.stack import DEFAULT_PORTS, Stack, open_stack
from local.web import call
from tests.integration.local_command import local
from tests.receivers import SECRET, WebHook, web_hook

pytestmark = pytest.mark.stack

SECONDS = 300.0
SLOW = Alarm(
    AlarmKind.SLOW_DRIFT,
    "of this test",
    "v1",
    "Scores have risen for 40 nights.",
    {"evidence": 31.0},
    asks_retrain=True,
)
_YESTERDAY = "UPDATE prediction_logs SET predicted_at = predicted_at - interval '1 day'"
"""A window ends at midnight: predictions of today are judged tomorrow."""


@pytest.fixture(scope="module")
def hook() -> Iterator[WebHook]:
    with web_hook() as hook:
        yield hook


@pytest.fixture(scope="module")
def stack(hook: WebHook) -> Iterator[Stack]:
    """A stack that reports to the web hook, with a first model."""
    folder = Path(tempfile.mkdtemp(prefix="churn-monitoring-"))
    ports = {name: str(free_port()) for name in DEFAULT_PORTS}
    environment = {"CHURN_HOME": str(folder / ".local"), **ports}
    try:
        settings = {"CHURN_ALERT_URLS": hook.address, "CHURN_AUTO_ROLLBACK": "on"}
        done = local("up", {**environment, **settings})
        assert done.returncode == 0, done.stdout + done.stderr
        yield open_stack(environment)
    finally:
        local("down", environment)
        shutil.rmtree(folder, ignore_errors=True)


def eventually(condition: Callable[[], bool], seconds: float = SECONDS) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with suppress(OSError, psycopg.OperationalError):
            if condition():
                return True
        time.sleep(0.5)
    return False


def rows(stack: Stack, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(stack.database_url(PIPELINE)) as connection:
        return connection.execute(query.encode()).fetchall()


def predict_shifted(stack: Stack) -> int:
    """Predict for customers who all pay by the month and have fibre; return how many."""
    with (PROJECT / "data" / "churn.csv").open(encoding="utf-8", newline="") as file:
        read = csv.DictReader(file)
        shifted = [
            row
            for row in read
            if (row["Contract"], row["InternetService"]) == ("Month-to-month", "Fiber optic")
        ]
        text = StringIO()
        writer = csv.DictWriter(text, list(read.fieldnames or ()))
    writer.writeheader()
    writer.writerows(shifted)
    connection = http.client.HTTPConnection(HOST, stack.ports.api, timeout=60)
    connection.request(
        "POST", "/predict/batch", body=text.getvalue(), headers={"Content-Type": "text/csv"}
    )
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    answer.read()
    connection.close()
    return len(shifted)


def finished(airflow: Airflow, dag: str, run: str) -> str:
    assert eventually(lambda: airflow.run_state(dag, run) in ("success", "failed"))
    return airflow.run_state(dag, run)


def states(airflow: Airflow, dag: str, run: str) -> dict[str, str]:
    return {task.name: task.state for task in airflow.tasks(dag, run)}


def requested_runs(stack: Stack) -> list[str]:
    """Return the runs of the training DAG that the asset started."""
    path = f"/api/v2/dags/{TRAINING_DAG}/dagRuns?run_type=asset_triggered"
    found = call(stack.ports.airflow, path, token=log_in(stack).token).body.parts("dag_runs")
    return [one.text("dag_run_id") for one in found]


def test_a_shift_is_reported_and_a_slow_one_starts_a_training_without_a_new_file(
    stack: Stack, hook: WebHook
) -> None:
    airflow = log_in(stack)
    assert eventually(lambda: airflow.parsed(MONITORING_DAG)), list(airflow.import_errors())
    count = predict_shifted(stack)
    assert eventually(lambda: rows(stack, "SELECT count(*) FROM prediction_logs")[0][0] >= count)  # type: ignore[operator]
    with connect(stack.database_url(PIPELINE)) as connection:
        connection.execute(_YESTERDAY)
        slow = replace(SLOW, model_version=published_version(stack))
        update_incidents(connection, [slow], [], datetime.now(UTC))

    run = airflow.trigger(MONITORING_DAG, {"window": 1})
    assert finished(airflow, MONITORING_DAG, run) == "success", states(airflow, MONITORING_DAG, run)
    kinds = {kind for (kind,) in rows(stack, "SELECT kind FROM alarms WHERE closed_at IS NULL")}
    assert {"drift", "slow drift"} <= kinds
    (message,) = hook.posted
    assert SLOW.sentence in message["message"]
    assert "OPENED: " in message["message"]
    assert hook.picture().startswith(b"\x89PNG")

    assert eventually(lambda: len(requested_runs(stack)) == 1)
    (training,) = requested_runs(stack)
    assert finished(airflow, TRAINING_DAG, training) == "success"
    done = states(airflow, TRAINING_DAG, training)
    assert (done["load_csv"], done["train"], done["decide"]) == ("success",) * 3
    kind, actor, reason, details = rows(
        stack,
        "SELECT kind, actor, reason, details FROM model_events "
        "WHERE kind IN ('kept', 'proposed') ORDER BY event_id DESC LIMIT 1",
    )[0]
    assert kind == "kept"
    assert actor == f"Airflow run {training}"
    assert "the training was requested by alarm 1: slow drift, of this test: " in str(reason)
    assert SLOW.sentence in json.dumps(details)

    again = airflow.trigger(MONITORING_DAG, {"window": 1})
    assert finished(airflow, MONITORING_DAG, again) == "success"
    assert states(airflow, MONITORING_DAG, again)["request_retrain"] == "skipped"
    assert len(hook.posted) == 1
    assert len(requested_runs(stack)) == 1


def churn(stack: Stack, *arguments: str) -> str:
    """Run the command as an operator does."""
    done = subprocess.run(
        (str(PROJECT / ".venv" / "bin" / "churn"), *arguments),
        env={"PATH": os.environ["PATH"], "CHURN_HOME": str(stack.layout.home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_outcomes_give_live_performance_and_a_bad_promotion_is_rolled_back(
    stack: Stack, hook: WebHook
) -> None:
    """The bad version is trained on a quarter of wrong outcomes."""
    airflow, former = log_in(stack), published_version(stack)
    with connect(stack.database_url(PIPELINE)) as connection:
        connection.execute("UPDATE customers SET churn = true WHERE hashtext(customer_id) % 4 = 0")
    bad = churn(stack, "train")
    churn(stack, "models", "promote", bad, "--reason", "a mistake")
    assert eventually(lambda: served_version(stack) == bad)
    churn(stack, "simulate", "--days", "70", "--customers", "700", "--ageing", "-1.5")
    query = "SELECT content FROM performance_reports WHERE verdict = 'ok' AND model_version = '{}'"
    measured = rows(stack, query.format(bad))
    assert any(content["figures"]["roc_auc"]["low"] > 0.6 for (content,) in measured)  # type: ignore[index]
    run = airflow.trigger(MONITORING_DAG, {})
    assert finished(airflow, MONITORING_DAG, run) == "success", states(airflow, MONITORING_DAG, run)
    assert eventually(lambda: served_version(stack) == former)
    kind, reason = rows(
        stack, "SELECT kind, reason FROM model_events ORDER BY event_id DESC LIMIT 1"
    )[0]
    assert kind == "rolled back"
    assert "rolled back by monitoring: on " in str(reason)
    assert any("regression" in message["message"] for message in hook.posted)


def test_a_run_that_fails_is_one_message(stack: Stack, hook: WebHook) -> None:
    airflow, before = log_in(stack), len(hook.posted)
    run = airflow.trigger(TRAINING_DAG, {"file": "nothing.csv"})
    assert finished(airflow, TRAINING_DAG, run) == "failed"
    assert eventually(lambda: len(hook.posted) > before)
    time.sleep(5)
    (message,) = hook.posted[before:]
    assert message["title"] == f"Churn DAG failed: {TRAINING_DAG}"
    assert run in message["message"]


def test_no_log_of_the_stack_has_the_secret(stack: Stack) -> None:
    logs = [path for path in stack.layout.home.rglob("*.log") if path.is_file()]
    assert len(logs) > 5
    for path in logs:
        assert SECRET not in path.read_text(encoding="utf-8", errors="replace"), path
