from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag
    from airflow.sdk import DAG

EDGES = {("monitor", "alert"), ("alert", "request_retrain")}


@pytest.fixture
def dag(dag_bag: DagBag) -> DAG:
    """The monitoring DAG."""
    return dag_bag.dags["churn_monitoring"]


def test_the_steps_run_one_after_the_other(dag: DAG) -> None:
    edges = {(task.task_id, after) for task in dag.tasks for after in task.downstream_task_ids}
    assert edges == EDGES
    assert {task.task_id for task in dag.tasks} == {"monitor", "alert", "request_retrain"}


def test_it_runs_every_morning_after_the_training(dag: DAG) -> None:
    from airflow.sdk import CronTriggerTimetable

    assert isinstance(dag.timetable, CronTriggerTimetable)
    assert dag.timetable.expression == "0 5 * * *"
    assert str(dag.timetable.timezone) in ("UTC", "Timezone('UTC')")


def test_a_new_stack_waits_for_its_first_morning(dag: DAG, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.serialization.encoders import coerce_to_core_timetable
    from airflow.timetables import trigger
    from airflow.timetables.base import TimeRestriction

    monkeypatch.setattr(trigger, "utcnow", lambda: datetime(2026, 11, 24, 5, 1, tzinfo=UTC))
    first = coerce_to_core_timetable(dag.timetable).next_dagrun_info(
        last_automated_data_interval=None, restriction=TimeRestriction(None, None, catchup=False)
    )
    assert first is not None
    assert first.run_after == datetime(2026, 11, 25, 5, tzinfo=UTC)


def test_the_request_for_a_training_is_the_asset_that_the_training_waits_for(
    dag: DAG, dag_bag: DagBag
) -> None:
    from orchestration.assets import RETRAIN

    outlets = {task.task_id: list(task.outlets) for task in dag.tasks if task.outlets}
    assert outlets == {"request_retrain": [RETRAIN]}
    waited_for = dag_bag.dags["churn_training"].timetable.asset_condition
    assert list(waited_for.objects) == [RETRAIN]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("name", "value"), [("as_of", "2026-11-30"), ("as_of", None), ("window", 1), ("window", 366)]
)
def test_a_day_and_a_window_can_be_given(dag: DAG, name: str, value: object) -> None:
    assert dag.params.get_param(name).resolve(value) == value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("as_of", "30/11/2026"),
        ("as_of", ""),
        ("as_of", 5),
        ("window", 0),
        ("window", 367),
        ("window", 1.5),
        ("window", "7"),
    ],
)
def test_a_param_that_is_not_right_is_refused_before_the_run(
    dag: DAG, name: str, value: object
) -> None:
    from airflow.sdk.exceptions import ParamValidationError

    with pytest.raises(ParamValidationError):
        dag.params.get_param(name).resolve(value)


def test_only_counts_go_from_task_to_task(dag: DAG) -> None:
    hints = {t.python_callable.__annotations__["return"] for t in dag.tasks}  # type: ignore[union-attr]
    assert hints <= {int, None}
