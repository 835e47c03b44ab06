"""Airflow's REST API, as far as a first run needs it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from local.environment import ADMIN
from local.errors import StackError
from local.stack import Stack
from local.web import Answer, call

RUNS = "/api/v2/dags/{dag}/dagRuns"
FAILED = "failed"
SUCCESS = "success"


@dataclass(frozen=True)
class Task:
    """A task of a run and how it is going."""

    name: str
    state: str
    attempt: int


@dataclass(frozen=True)
class Airflow:
    """A logged-in conversation with Airflow's api-server."""

    port: int
    token: str

    def parsed(self, dag: str) -> bool:
        """Tell whether Airflow knows the DAG."""
        return self._call(f"/api/v2/dags/{dag}").ok

    def import_errors(self) -> Iterator[str]:
        """Yield what Airflow found wrong in the DAG files."""
        for error in self._call("/api/v2/importErrors").body.parts("import_errors"):
            yield f"{error.text('filename')}: {_last_line(error.text('stack_trace'))}"

    def trigger(self, dag: str, conf: Mapping[str, object] | None = None) -> str:
        """Start a run, with these params where they are not the defaults, and return its id."""
        body = {"logical_date": None, "conf": dict(conf or {})}
        answer = self._call(RUNS.format(dag=dag), body=body)
        if not answer.ok:
            raise StackError(
                f"Airflow did not start {dag}: {answer.status} {answer.body.text('detail')}"
            )
        return answer.body.text("dag_run_id")

    def run_state(self, dag: str, run: str) -> str:
        """Return the state of a run."""
        return self._call(f"{RUNS.format(dag=dag)}/{run}").body.text("state")

    def tasks(self, dag: str, run: str) -> list[Task]:
        """Return the tasks of a run in the order they were started."""
        answer = self._call(f"{RUNS.format(dag=dag)}/{run}/taskInstances?order_by=start_date")
        return [
            Task(
                one.text("task_id"),
                one.text("state") or "waiting",
                int(one.text("try_number") or 0),
            )
            for one in answer.body.parts("task_instances")
        ]

    def log(self, dag: str, run: str, task: Task) -> list[str]:
        """Return the lines a task wrote in its last attempt."""
        attempt = f"{RUNS.format(dag=dag)}/{run}/taskInstances/{task.name}/logs/{task.attempt}"
        lines = []
        for event in self._call(f"{attempt}?full_content=true").body.parts("content"):
            lines.append(event.text("event"))
            lines += [
                f"{one.text('exc_type')}: {one.text('exc_value')}"
                for one in event.parts("error_detail")
            ]
        return [line for line in lines if line]

    def _call(self, path: str, *, body: object = None) -> Answer:
        return call(self.port, path, body=body, token=self.token)


def log_in(stack: Stack) -> Airflow:
    """Return a conversation in the admin's name."""
    body = {"username": ADMIN, "password": stack.credentials.airflow_admin_password}
    answer = call(stack.ports.airflow, "/auth/token", body=body)
    if not answer.ok:
        raise StackError(
            f"Airflow refused its admin's password: {answer.status} {answer.body.text('detail')}"
        )
    return Airflow(stack.ports.airflow, answer.body.text("access_token"))


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no reason given"])[-1]
