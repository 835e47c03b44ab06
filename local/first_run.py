"""The first run a newcomer sees: train through Airflow, wait until the service has the model."""

import time
from contextlib import suppress

from churn.core.errors import ChurnError
from churn.core.names import TRAINING_DAG
from churn.registry.store import ModelStore
from local.airflow_client import FAILED, SUCCESS, Airflow, Task, log_in
from local.console import Console
from local.errors import StackError
from local.serving import served_version
from local.stack import Stack
from local.summary import summary
from local.web import call

DAG = TRAINING_DAG
PARSE_SECONDS = 120.0
RUN_SECONDS = 1800.0
SERVE_SECONDS = 60.0
PAUSE_SECONDS = 0.5
LOG_LINES = 8
FOLDS = ("::", "Retry policy decision")  # Airflow's own, of no help here


def train(console: Console, stack: Stack) -> None:
    """Run the training DAG once, wait until the service has its model, and show the summary."""
    before = served_version(stack)
    console.say(f"waiting for Airflow to read {DAG}")
    airflow = log_in(stack)
    wait_parsed(airflow)
    run = airflow.trigger(DAG)
    address = f"{stack.airflow_url}/dags/{DAG}/runs/{run}"
    console.say(f"triggered {DAG}: {address}", awaited="waiting for the first task to start")
    if follow(console, airflow, run) != SUCCESS:
        raise StackError(failure(stack, airflow, run))
    console.say(f"{DAG} succeeded", awaited="waiting for the service to load the model")
    wait_served(console, stack, before=before)
    for line in summary(stack):
        console.show(line)


def wait_parsed(airflow: Airflow) -> None:
    """Return when Airflow has read the DAG's file; raise what it finds wrong there."""
    deadline = time.monotonic() + PARSE_SECONDS
    while not airflow.parsed(DAG):
        if errors := list(airflow.import_errors()):
            raise StackError(f"Airflow cannot read the DAGs: {'; '.join(errors)}")
        if time.monotonic() > deadline:
            raise StackError(
                f"Airflow found no DAG named {DAG} in {PARSE_SECONDS:.0f} s: "
                "see logs/dag-processor.log."
            )
        time.sleep(PAUSE_SECONDS)


def follow(console: Console, airflow: Airflow, run: str) -> str:
    """Show each task's state as it changes, and return the state the run ends in."""
    deadline, shown = time.monotonic() + RUN_SECONDS, set[Task]()
    state = ""
    while state not in {SUCCESS, FAILED}:
        if time.monotonic() > deadline:
            raise StackError(f"{DAG} did not end in {RUN_SECONDS:.0f} s; it is {state}.")
        time.sleep(PAUSE_SECONDS)
        state = airflow.run_state(DAG, run)
        for task in airflow.tasks(DAG, run):
            if (
                task.state in {"running", SUCCESS, FAILED, "up_for_retry", "upstream_failed"}
                and task not in shown
            ):
                console.say(f"  {task.name}: {task.state}", awaited=_awaited(task))
                shown.add(task)
    return state


def _awaited(task: Task) -> str:
    return f"waiting for {task.name}" if task.state == "running" else f"waiting for {DAG} to go on"


def failure(stack: Stack, airflow: Airflow, run: str) -> str:
    """Return which task failed, the end of its log, and where the log is."""
    task = next((one for one in airflow.tasks(DAG, run) if one.state == FAILED), None)
    if task is None:
        return f"{DAG} failed before a task did: {stack.airflow_url}/dags/{DAG}/runs/{run}"
    said = [line for line in airflow.log(DAG, run, task) if not line.startswith(FOLDS)]
    folder = (
        stack.layout.airflow / "logs" / f"dag_id={DAG}" / f"run_id={run}" / f"task_id={task.name}"
    )
    return "\n  ".join(
        (f"{DAG} failed in task {task.name}:", *said[-LOG_LINES:], f"the whole log: {folder}")
    )


def published_version(stack: Stack) -> str:
    """Return the version the model store points to, empty when there is none."""
    with suppress(ChurnError):
        return ModelStore(stack.layout.models).current()
    return ""


def wait_served(console: Console, stack: Stack, *, before: str) -> None:
    """Return when the service serves what the model store points to."""
    deadline = time.monotonic() + SERVE_SECONDS
    while not (version := served_version(stack)) or version != published_version(stack):
        if time.monotonic() > deadline:
            detail = call(stack.ports.api, "/readyz").body.text("detail")
            raise StackError(
                f"The service does not serve {published_version(stack)!r}: "
                f"{detail or 'no reason given'}"
            )
        time.sleep(PAUSE_SECONDS)
    as_before = " (as before)" if version == before else ""
    console.say(f"the service serves {version}{as_before}", awaited="")
