"""House rules, for every DAG there is."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import psycopg

from churn.core.errors import DataQualityError, ModelRefusedError, WarehouseError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow.dag_processing.dagbag import DagBag
    from airflow.sdk import DAG
    from airflow.sdk.types import Operator


def _tasks(bag: DagBag) -> Iterator[tuple[str, Operator]]:
    for dag_id, dag in bag.dags.items():
        for task in dag.tasks:
            yield f"{dag_id}.{task.task_id}", task


def _dags(bag: DagBag) -> Iterator[tuple[str, DAG]]:
    assert bag.dags, "no DAG was found, so no rule was checked"
    yield from bag.dags.items()


def test_every_dag_has_a_runbook_that_names_each_of_its_tasks(dag_bag: DagBag) -> None:
    for dag_id, dag in _dags(dag_bag):
        for task in dag.tasks:
            told = f"`{task.task_id}`" in (dag.doc_md or "")
            assert told, f"{dag_id}: the docstring does not say what to do about {task.task_id}"


def test_every_dag_is_tagged_and_described(dag_bag: DagBag) -> None:
    for dag_id, dag in _dags(dag_bag):
        assert "churn" in dag.tags, f"{dag_id} has no tag churn"
        assert (dag.doc_md or "").startswith("### "), f"{dag_id}: the runbook has no title"


def test_no_dag_has_a_start_date_that_moves(dag_bag: DagBag) -> None:
    for dag_id, dag in _dags(dag_bag):
        start = dag.start_date
        fixed = start is None or start.isoformat() == "2026-01-01T00:00:00+00:00"
        assert fixed, f"{dag_id} starts at {start}; leave it out or use the literal in UTC"


def test_no_dag_catches_up_and_each_runs_once_at_a_time(dag_bag: DagBag) -> None:
    for dag_id, dag in _dags(dag_bag):
        assert dag.catchup is False, f"{dag_id} catches up"
        assert dag.max_active_runs == 1, f"{dag_id} runs more than once at a time"
        assert dag.dagrun_timeout, f"{dag_id} may run for ever"


def test_a_failed_run_of_every_dag_is_reported_once(dag_bag: DagBag) -> None:
    from orchestration.notifier import ReportFailedRun

    for dag_id, dag in _dags(dag_bag):
        assert isinstance(dag.on_failure_callback, ReportFailedRun), f"{dag_id} fails in silence"
    for name, task in _tasks(dag_bag):
        assert not task.on_failure_callback, f"{name} would report a failed run once more"


def test_every_param_has_a_type_a_title_a_description_and_a_default(dag_bag: DagBag) -> None:
    for dag_id, dag in _dags(dag_bag):
        for name in dag.params:
            param = dag.params.get_param(name)
            told = {"type", "title"} <= set(param.schema) and param.description
            assert told, f"{dag_id}: param {name} is not described"
            may_be_empty = "null" in param.schema["type"]
            assert param.has_value or may_be_empty, f"{dag_id}: param {name} has no default"


def test_every_task_has_an_owner_a_timeout_and_retries(dag_bag: DagBag) -> None:
    for name, task in _tasks(dag_bag):
        assert task.owner == "churn", f"{name} has no owner"
        assert task.execution_timeout, f"{name} may run for ever"
        assert task.execution_timeout <= timedelta(hours=1), f"{name} may run for too long"
        assert task.retries, f"{name} is not tried again"
        assert task.retries >= 1, f"{name} is not tried again"


def test_every_task_fits_into_its_dags_time(dag_bag: DagBag) -> None:
    for dag_id, dag in _dags(dag_bag):
        timeouts = [task.execution_timeout for task in dag.tasks if task.execution_timeout]
        assert dag.dagrun_timeout
        assert sum(timeouts, timedelta()) <= dag.dagrun_timeout, dag_id


def test_bad_data_fails_at_once(dag_bag: DagBag) -> None:
    for name, task in _tasks(dag_bag):
        policy = task.retry_policy
        assert policy, f"{name} has no retry policy"
        for error in (DataQualityError("foreign file"), ModelRefusedError("torn")):
            decision = policy.evaluate(error, try_number=1, max_tries=2)
            assert decision.action.value == "fail", f"{name} tries {error!r} again"
            assert decision.reason, f"{name} does not say why it fails at once"


def test_bad_luck_is_tried_again(dag_bag: DagBag) -> None:
    unlucky = (
        psycopg.OperationalError("server closed the connection"),
        WarehouseError("PostgreSQL is not reachable"),
        OSError("no space left on device"),
    )
    for name, task in _tasks(dag_bag):
        assert task.retry_policy, f"{name} has no retry policy"
        for error in unlucky:
            decision = task.retry_policy.evaluate(error, try_number=1, max_tries=2)
            assert decision.action.value != "fail", f"{name} gives up on {error!r}"
