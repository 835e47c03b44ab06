from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag
    from airflow.sdk import DAG

STEPS = ("create_tables", "load_csv", "clean", "train", "decide", "approve", "publish")


@pytest.fixture
def dag(dag_bag: DagBag) -> DAG:
    """The training DAG."""
    return dag_bag.dags["churn_training"]


def test_the_steps_run_one_after_the_other(dag: DAG) -> None:
    edges = {(task.task_id, after) for task in dag.tasks for after in task.downstream_task_ids}
    assert {task.task_id for task in dag.tasks} == set(STEPS)
    assert edges == {*pairwise(STEPS), ("decide", "publish")}


def test_it_runs_every_night_at_two_utc_and_when_alarms_request_it(dag: DAG) -> None:
    from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable

    from orchestration.assets import RETRAIN

    assert isinstance(dag.timetable, AssetOrTimeSchedule)
    assert list(dag.timetable.asset_condition.objects) == [RETRAIN]  # type: ignore[attr-defined]
    nightly = dag.timetable.timetable
    assert isinstance(nightly, CronTriggerTimetable)
    assert nightly.expression == "0 2 * * *"
    assert str(nightly.timezone) in ("UTC", "Timezone('UTC')")


def test_a_new_stack_waits_for_its_first_night(dag: DAG, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.serialization.encoders import coerce_to_core_timetable
    from airflow.timetables import trigger
    from airflow.timetables.base import TimeRestriction

    monkeypatch.setattr(trigger, "utcnow", lambda: datetime(2026, 11, 24, 2, 1, tzinfo=UTC))
    first = coerce_to_core_timetable(dag.timetable).next_dagrun_info(
        last_automated_data_interval=None, restriction=TimeRestriction(None, None, catchup=False)
    )
    assert first is not None
    assert first.run_after == datetime(2026, 11, 25, 2, tzinfo=UTC)


def test_a_run_that_an_asset_triggers_does_not_replace_the_nightly_one(dag: DAG) -> None:
    """It has no logical date; the night after the last nightly run is next all the same."""
    import pendulum
    from airflow.serialization.encoders import coerce_to_core_timetable
    from airflow.timetables.base import DataInterval, TimeRestriction
    from airflow.utils.types import DagRunType

    timetable = coerce_to_core_timetable(dag.timetable)
    night = datetime(2026, 11, 25, 2, tzinfo=UTC)
    following = timetable.next_dagrun_info(
        last_automated_data_interval=DataInterval.exact(night),  # type: ignore[arg-type]
        restriction=TimeRestriction(None, None, catchup=False),
    )
    assert following is not None
    assert following.run_after.hour == 2
    run_ids = {
        kind: timetable.generate_run_id(
            run_type=kind, run_after=pendulum.instance(night), data_interval=None
        )
        for kind in (DagRunType.ASSET_TRIGGERED, DagRunType.MANUAL)
    }
    assert run_ids[DagRunType.ASSET_TRIGGERED].startswith("asset_triggered__")
    assert run_ids[DagRunType.MANUAL].startswith("manual__")


def test_the_trigger_form_asks_for_the_file_and_takes_the_newest_by_itself(dag: DAG) -> None:
    param = dag.params.get_param("file")
    assert param.value == "newest"
    assert param.schema == {"type": "string", "minLength": 1, "title": "Customer file"}


def test_the_trigger_form_offers_to_replace_all_customers_and_does_not_by_itself(dag: DAG) -> None:
    param = dag.params.get_param("replace_customers")
    assert param.value is False
    assert param.schema == {"type": "boolean", "title": "Replace all customers"}


@pytest.mark.parametrize("name", ["allow_change", "retrain"])
def test_a_large_change_and_training_without_new_data_have_to_be_chosen(
    dag: DAG, name: str
) -> None:
    param = dag.params.get_param(name)
    assert param.value is False
    assert param.schema["type"] == "boolean"


def test_the_trigger_form_offers_a_dry_run_and_publishes_by_itself(dag: DAG) -> None:
    param = dag.params.get_param("mode")
    assert param.value == "publish"
    assert param.schema == {
        "type": "string",
        "enum": ["publish", "dry run"],
        "title": "Publish or dry run",
    }


def test_the_trigger_form_has_nothing_else(dag: DAG) -> None:
    assert set(dag.params) == {
        "file",
        "mode",
        "promotion",
        "retrain",
        "replace_customers",
        "allow_change",
        "load_again",
        "limit_rejected",
        "snapshot_date",
        "encoding",
        "separator",
        "decimal",
        "thousands",
    }


def test_the_trigger_form_offers_what_the_reader_knows(dag: DAG) -> None:
    from churn.warehouse.cleaning.gate import LIMIT_REJECTED
    from churn.warehouse.loading.dialect import DECIMALS, SEPARATORS, THOUSANDS
    from churn.warehouse.loading.encoding import ENCODINGS

    assert dag.params.get_param("encoding").schema["enum"] == [None, *ENCODINGS]
    assert dag.params.get_param("separator").schema["enum"] == [None, *SEPARATORS.values()]
    assert dag.params.get_param("decimal").schema["enum"] == [None, *DECIMALS.values()]
    assert dag.params.get_param("thousands").schema["enum"] == [None, *THOUSANDS]
    for name, marks in (("separator", SEPARATORS), ("decimal", DECIMALS)):
        shown = dag.params.get_param(name).schema["values_display"]
        assert shown == {"None": "detected", **{mark: named for named, mark in marks.items()}}
    assert dag.params.get_param("limit_rejected").value == LIMIT_REJECTED


def test_the_trigger_form_asks_whether_a_person_approves_and_leaves_it_to_the_setting(
    dag: DAG,
) -> None:
    from churn.pipeline.registry_rules import AUTO, MANUAL

    param = dag.params.get_param("promotion")
    assert param.resolve() is None
    assert param.schema["enum"] == [None, AUTO, MANUAL]


def test_the_trigger_form_shows_words_where_a_param_is_null(dag: DAG) -> None:
    choices = {name: dag.params.get_param(name).schema for name in dag.params}
    nullable = {name: one for name, one in choices.items() if None in one.get("enum", ())}
    assert {"promotion", "encoding", "separator", "decimal"} <= set(nullable)
    for name, schema in nullable.items():
        assert schema["values_display"]["None"] not in ("", "null", "None"), name


def test_approval_is_airflows_own_and_silence_declines(dag: DAG) -> None:
    from airflow.providers.standard.operators.hitl import ApprovalOperator

    ask = dag.get_task("approve")
    assert isinstance(ask, ApprovalOperator)
    assert ask.defaults == [ApprovalOperator.REJECT]
    assert ask.response_timeout
    assert dag.dagrun_timeout
    times = [task.execution_timeout for task in dag.tasks if task.execution_timeout]
    assert sum(times, ask.response_timeout) <= dag.dagrun_timeout


def test_publishing_does_not_wait_for_an_approval_that_was_not_requested(dag: DAG) -> None:
    from airflow.sdk import TriggerRule

    assert dag.get_task("publish").trigger_rule == TriggerRule.NONE_FAILED


@pytest.mark.parametrize("name", ["snapshot_date", "encoding", "separator", "decimal", "thousands"])
def test_how_a_file_is_written_is_found_out_unless_it_is_given(dag: DAG, name: str) -> None:
    assert dag.params.get_param(name).resolve() is None


@pytest.mark.parametrize(
    ("name", "value"),
    [("snapshot_date", "2026-01-31"), ("encoding", "cp1252"), ("separator", "\t")],
)
def test_how_a_file_is_written_can_be_given(dag: DAG, name: str, value: str) -> None:
    assert dag.params.get_param(name).resolve(value) == value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("file", ""),
        ("file", 5),
        ("replace_customers", "yes"),
        ("mode", "maybe"),
        ("promotion", "perhaps"),
        ("load_again", "yes"),
        ("allow_change", "yes"),
        ("retrain", 1),
        ("limit_rejected", 1.5),
        ("limit_rejected", "none"),
        ("snapshot_date", "31/01/2026"),
        ("encoding", "ebcdic"),
        ("separator", "^"),
        ("decimal", "'"),
        ("thousands", ";"),
    ],
)
def test_a_param_that_is_not_right_is_refused_before_the_run(
    dag: DAG, name: str, value: object
) -> None:
    from airflow.sdk.exceptions import ParamValidationError

    with pytest.raises(ParamValidationError):
        dag.params.get_param(name).resolve(value)


def test_publishing_updates_the_asset_that_other_dags_wait_for(dag: DAG) -> None:
    from orchestration.assets import CHURN_MODEL

    outlets = {task.task_id: list(task.outlets) for task in dag.tasks if task.outlets}
    assert outlets == {"publish": [CHURN_MODEL]}


def test_only_numbers_and_names_go_from_task_to_task(dag: DAG) -> None:
    steps = [task for task in dag.tasks if task.task_id != "approve"]  # which returns a name
    hints = {t.task_id: t.python_callable.__annotations__["return"] for t in steps}  # type: ignore[union-attr]
    assert set(hints.values()) <= {list[int], int, str, None}
