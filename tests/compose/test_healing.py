"""Containers that are killed, stopped, taken down and brought up again."""

import time
from functools import partial
from itertools import chain

import pytest

from local.airflow_client import SUCCESS
from local.summary import FIRST_CUSTOMER
from tests.compose import checks
from tests.compose.pipeline import Run, count, eventually, log_in, predict, served, settled, train
from tests.compose.progress import Progress
from tests.compose.project import Project
from tests.compose.test_running_stack import LONG_RUNNING
from tests.integration.steady_load import SteadyLoad

HEALED_SECONDS = 120.0
STILL_SECONDS = 31.0  # longer than docker/heartbeat.py lets a heartbeat grow


GROUPS = (
    ("postgres",),
    ("airflow-api-server",),
    ("airflow-scheduler",),
    ("airflow-dag-processor", "airflow-triggerer", "serving"),
)


def test_every_container_is_killed_once() -> None:
    assert sorted(chain.from_iterable(GROUPS)) == sorted(LONG_RUNNING)


@pytest.mark.parametrize("services", GROUPS, ids=" ".join)
@pytest.mark.usefixtures("trained")
def test_a_killed_container_comes_back_by_itself(
    stack: Project, services: tuple[str, ...], progress: Progress
) -> None:
    """Kill at once those that need none of each other to come back."""
    before = {name: stack.container(name) for name in services}

    def restarted(name: str) -> bool:
        return bool(stack.container(name)["RestartCount"] > before[name]["RestartCount"])

    began = time.monotonic()
    for name in services:
        checks.signal(stack, name, "KILL", main_only=True)
    for name in services:
        assert eventually(partial(restarted, name), 30), name
    assert eventually(lambda: not checks.unwell(stack), HEALED_SECONDS), checks.unwell(stack)
    done = f"{', '.join(services)}: killed and healthy again"
    progress.say(f"{done}, {time.monotonic() - began:.0f} s")
    assert {name: stack.container(name)["Id"] for name in services} == {
        name: former["Id"] for name, former in before.items()
    }
    version = predict(stack, FIRST_CUSTOMER).text("model_version")
    assert version
    assert eventually(lambda: served(stack) == version)


@pytest.mark.usefixtures("trained")
def test_predictions_are_answered_and_recorded_while_the_database_is_killed(
    stack: Project,
) -> None:
    before = settled(stack, "prediction_logs")
    with SteadyLoad(stack.api_port, token=stack.api_key) as load:
        checks.signal(stack, "postgres", "KILL", main_only=True)
        assert eventually(lambda: len(load.answered) > 300)
    assert eventually(lambda: not checks.unwell(stack, ["postgres"]), HEALED_SECONDS)
    assert {one.status for one in load.answered} == {200}
    expected = before + len(load.answered)
    assert eventually(lambda: count(stack, "prediction_logs") == expected)


@pytest.mark.usefixtures("trained")
def test_a_health_check_sees_that_a_service_stands_still(
    stack: Project, progress: Progress
) -> None:
    progress.say("stopping every process of five services, then of the database")
    services = [name for name in LONG_RUNNING if name != "postgres"]
    try:
        for name in services:
            checks.signal(stack, name, "STOP", main_only=False)
        time.sleep(STILL_SECONDS)
        assert checks.blind(stack, services) == []
        checks.signal(stack, "postgres", "STOP", main_only=False)
        assert checks.blind(stack, ["postgres"]) == []
    finally:
        for name in LONG_RUNNING:
            checks.signal(stack, name, "CONT", main_only=False)
    assert eventually(lambda: not checks.unwell(stack), HEALED_SECONDS), checks.unwell(stack)


def test_down_and_up_keep_models_predictions_and_runs(
    stack: Project, trained: Run, progress: Progress
) -> None:
    predict(stack, FIRST_CUSTOMER)
    version, rows = served(stack), settled(stack, "prediction_logs")
    stack.run(progress, "taking the stack down", "down")
    stack.up(progress)
    assert served(stack) == version
    assert predict(stack, FIRST_CUSTOMER).text("model_version") == version
    assert eventually(lambda: count(stack, "prediction_logs") == rows + 1)
    assert log_in(stack).run_state("churn_training", trained.id) == SUCCESS


@pytest.mark.usefixtures("trained")
def test_the_pipeline_runs_after_all_that(stack: Project) -> None:
    assert train(stack, load_again=True).state == SUCCESS
