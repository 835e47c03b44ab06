"""The pipeline of a running stack, driven from outside as its users do."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from local.airflow_client import FAILED, SUCCESS, Airflow
from local.first_run import DAG
from local.web import Document, call
from tests.compose.progress import StepError
from tests.compose.project import Project

RUN_SECONDS = 240.0
PARSE_SECONDS = 120.0
LOG_IN_SECONDS = 60.0
ADMIN = "admin"
FIRST = "first_start"  # docker/scheduler.sh


@dataclass(frozen=True)
class Run:
    """A run of the DAG that has ended, and the version that is served after it."""

    id: str
    state: str
    tasks: Mapping[str, str]
    version: str


def eventually(holds: Callable[[], bool], seconds: float = 60.0) -> bool:
    """Tell whether something comes true in time."""
    deadline = time.monotonic() + seconds
    while not (held := holds()) and time.monotonic() < deadline:
        time.sleep(0.5)
    return held


def log_in(project: Project) -> Airflow:
    """Return a conversation with Airflow's REST API in the administrator's name."""
    password = project.secrets["AIRFLOW_ADMIN_PASSWORD"]
    body = {"username": ADMIN, "password": password}
    deadline = time.monotonic() + LOG_IN_SECONDS
    while not (answer := call(project.airflow_port, "/auth/token", body=body)).ok:
        if answer.status or time.monotonic() > deadline:  # 0: a busy machine gave no answer yet
            raise StepError(f"/auth/token answered {answer.status} {answer.body.value}")
        time.sleep(0.5)
    return Airflow(project.airflow_port, answer.body.text("access_token"))


def first_training(project: Project) -> Run:
    """Return the run that the first start makes by itself, once it has ended."""
    airflow = log_in(project)
    ended = {SUCCESS, FAILED}
    eventually(lambda: airflow.run_state(DAG, FIRST) in ended, PARSE_SECONDS + RUN_SECONDS)
    tasks = {task.name: task.state for task in airflow.tasks(DAG, FIRST)}
    eventually(lambda: served(project) == published(project) != "", 30)
    return Run(FIRST, airflow.run_state(DAG, FIRST), tasks, served(project))


def train(project: Project, **conf: object) -> Run:
    """Run the DAG to its end and return when the service has what was published."""
    airflow = log_in(project)
    if not eventually(lambda: airflow.parsed(DAG), PARSE_SECONDS):
        raise StepError(f"Airflow does not know {DAG}: {list(airflow.import_errors())}")
    run = airflow.trigger(DAG, conf)
    ended = {SUCCESS, FAILED}
    eventually(lambda: airflow.run_state(DAG, run) in ended, RUN_SECONDS)
    tasks = {task.name: task.state for task in airflow.tasks(DAG, run)}
    eventually(lambda: served(project) == published(project) != "", 30)
    return Run(run, airflow.run_state(DAG, run), tasks, served(project))


def readiness(project: Project) -> Document:
    """Return what the service says of itself."""
    return call(project.api_port, "/readyz").body


def served(project: Project) -> str:
    """Return the version that all workers of the service answer with, empty when they differ."""
    said = readiness(project)
    return said.text("model_version") if said.text("workers_agree") == "True" else ""


def published(project: Project) -> str:
    """Return the version that the model store points to."""
    return project.inside("airflow-scheduler", "cat", "/srv/models/CURRENT").stdout.split()[0]


def settled(project: Project, table: str) -> int:
    """Return how many rows a table has once every prediction so far is in the database.

    Raises:
        StepError: some still wait.
    """
    if not eventually(lambda: readiness(project).number("prediction_log", "waiting") == 0):
        raise StepError(f"predictions wait: {readiness(project).value}")
    return count(project, table)


def count(project: Project, table: str) -> int:
    """Return how many rows a table of the churn database has."""
    query = f"SELECT count(*) FROM {table}"  # noqa: S608 - one of our own tables
    psql = ("psql", "--username=postgres", "--dbname=churn", "-qtAXc", query)
    return int(project.inside("postgres", *psql).stdout)


def predict(project: Project, customer: Mapping[str, object]) -> Document:
    """Return the service's answer for a customer, asked with the first key.

    Raises:
        StepError: it was none.
    """
    answer = call(project.api_port, "/predict", body=dict(customer), token=project.api_key)
    if not answer.ok:
        raise StepError(f"/predict answered {answer.status} {answer.body.value}")
    return answer.body
