"""The stack as `docker compose up` starts it: real engine, real builds, real requests."""

import json
import re
import subprocess

import pytest

from local.airflow_client import SUCCESS
from local.containers import PROJECT
from local.databases import AIRFLOW, PIPELINE, SERVING
from local.summary import FIRST_CUSTOMER
from local.web import call
from tests.changed_file import write_changed
from tests.compose import checks, rights
from tests.compose.pipeline import Run, count, eventually, log_in, predict, served, settled, train
from tests.compose.progress import Progress
from tests.compose.project import ONE_SHOT, Project
from tests.customer_file import read_rows
from tests.docs.blocks import find
from tests.integration.steady_load import SteadyLoad

LONG_RUNNING = (
    *("airflow-api-server", "airflow-dag-processor", "airflow-scheduler", "airflow-triggerer"),
    *("postgres", "serving"),
)
PRINTED = re.compile(r"-> prediction 1, probability_churn (0\.\d{4}) ")
PUBLISHED = {"airflow-api-server", "serving"}
SENDING = {"airflow-scheduler", "airflow-dag-processor"}
INSIDE_ONLY = tuple(sorted(set(LONG_RUNNING) - PUBLISHED - SENDING))
CURL = re.compile(r"^\$ (curl -X POST \S+/predict -H \"Authorization.*?\n.*?)$", re.MULTILINE)

each_service = pytest.mark.parametrize("service", LONG_RUNNING)


def test_the_stack_comes_up_healthy(stack: Project) -> None:
    assert set(LONG_RUNNING) | ONE_SHOT == set(stack.services())
    assert checks.unwell(stack) == []


def test_the_parts_start_in_the_order_of_their_health(stack: Project) -> None:
    states = {name: stack.container(name)["State"] for name in (*LONG_RUNNING, "airflow-init")}
    migrated = states["airflow-init"]
    assert states["postgres"]["StartedAt"] < migrated["StartedAt"]
    for name in set(LONG_RUNNING) - {"postgres", "serving"}:
        assert migrated["FinishedAt"] <= states[name]["StartedAt"], name
    assert states["airflow-api-server"]["StartedAt"] < states["airflow-scheduler"]["StartedAt"]


def test_the_first_start_trains_on_the_real_file(stack: Project, trained: Run) -> None:
    assert trained.state == SUCCESS
    assert {task for task, state in trained.tasks.items() if state != SUCCESS} == {"approve"}
    assert trained.tasks["approve"] == "skipped"
    assert trained.version
    assert count(stack, "customers") == 7043


def test_the_readme_waits_for_the_first_model(stack: Project, trained: Run) -> None:
    command = find("README.md", "/readyz").commands.replace(":8000/", f":{stack.api_port}/")
    done = subprocess.run(["sh", "-ec", command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["model_version"] == trained.version


def test_the_curl_of_the_readme_is_answered(stack: Project, trained: Run) -> None:
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    (command,), (printed,) = CURL.findall(readme), PRINTED.findall(readme)
    here = command.replace(":8000/", f":{stack.api_port}/")
    done = subprocess.run(
        ["sh", "-c", f"exec {here} --silent --show-error --fail"],
        env={"KEY": stack.api_key, "PATH": "/usr/local/bin:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["prediction"] == 1
    assert f"{answer['probability_churn']:.4f}" == printed
    assert answer["model_version"] == trained.version


def test_a_full_record_is_answered(stack: Project, trained: Run) -> None:
    row = dict(next(iter(read_rows())))
    row.pop("Churn")
    answer = predict(stack, row)
    assert answer.text("model_version") == trained.version
    assert answer.part("unknown_fields").value == []
    assert len({one.value for one in answer.parts("interval")}) == 1


@pytest.mark.usefixtures("trained")
@pytest.mark.parametrize("token", [None, "not-a-key"])
def test_who_has_no_key_gets_401(stack: Project, token: str | None) -> None:
    assert call(stack.api_port, "/predict", body=FIRST_CUSTOMER, token=token).status == 401


@pytest.mark.usefixtures("stack")
def test_airflows_api_wants_a_token(stack: Project) -> None:
    assert call(stack.airflow_port, "/api/v2/dags").status == 401
    wrong = {"username": "admin", "password": "admin"}
    assert call(stack.airflow_port, "/auth/token", body=wrong).status == 401


@pytest.mark.usefixtures("trained")
def test_a_prediction_is_in_the_log(stack: Project) -> None:
    before = settled(stack, "prediction_logs")
    predict(stack, FIRST_CUSTOMER)
    assert eventually(lambda: count(stack, "prediction_logs") == before + 1)


def test_the_command_churn_works_inside(stack: Project, trained: Run) -> None:
    listed = stack.inside("airflow-scheduler", "churn", "models", "list")
    assert trained.version in listed.stdout, listed.stderr
    verified = stack.inside("airflow-scheduler", "churn", "models", "verify")
    assert verified.returncode == 0, verified.stderr


def test_a_second_publish_is_served_without_a_failed_request(
    stack: Project, trained: Run, progress: Progress
) -> None:
    progress.say("publishing a second model under load")
    write_changed(stack.folder / "data" / "changed.csv")
    before = served(stack)
    with SteadyLoad(stack.api_port, token=stack.api_key) as load:
        second = train(stack, file="changed.csv", allow_change=True)
        assert eventually(lambda: load.answered[-1].version == second.version, 10)
    progress.say(f"{len(load.answered)} requests were answered meanwhile")
    assert second.state == SUCCESS
    assert before == trained.version != second.version
    assert len(load.answered) > 100
    assert {one.status for one in load.answered} == {200}
    assert {one.version for one in load.answered} == {before, second.version}


@pytest.mark.usefixtures("trained")
def test_a_tasks_log_is_read_through_the_api(stack: Project) -> None:
    airflow = log_in(stack)
    run = call(
        airflow.port,
        "/api/v2/dags/churn_training/dagRuns?order_by=start_date&limit=1",
        token=airflow.token,
    )
    (first,) = run.body.parts("dag_runs")
    id_ = first.text("dag_run_id")
    (task,) = (one for one in airflow.tasks("churn_training", id_) if one.name == "clean")
    assert any("7,043" in line for line in airflow.log("churn_training", id_, task))


@pytest.mark.parametrize("service", sorted(checks.PORTS))
def test_every_server_listens_on_all_interfaces_of_its_container(
    stack: Project, service: str
) -> None:
    assert checks.unreachable(stack, service) == []


@each_service
def test_a_container_has_no_more_rights_than_it_needs(stack: Project, service: str) -> None:
    assert checks.unconfined(stack, service) == []


@each_service
def test_the_kernel_holds_a_container_to_its_limits(stack: Project, service: str) -> None:
    asked = stack.container(service)["HostConfig"]
    held = {name: checks.limit(stack, service, name) for name in checks.LIMITS}
    assert held == {"memory": asked["Memory"], "pids": asked["PidsLimit"]}
    assert 0 < asked["Memory"] < 8 << 30
    assert 0 < asked["NanoCpus"] <= 2_000_000_000


@pytest.mark.parametrize("service", INSIDE_ONLY)
def test_what_publishes_no_port_has_no_way_out(stack: Project, service: str) -> None:
    assert checks.ways_out(stack, service) == []


def test_a_port_is_published_on_loopback_only(stack: Project) -> None:
    for service in LONG_RUNNING:
        for bound in stack.container(service)["NetworkSettings"]["Ports"].values():
            assert {one["HostIp"] for one in bound or ()} <= {"127.0.0.1"}, service


def test_the_service_cannot_write_a_model(stack: Project) -> None:
    assert checks.writable(stack, "serving", "/srv/models", "/srv/models/versions") == []


def test_the_pipeline_cannot_write_into_the_customers_files(stack: Project) -> None:
    assert checks.writable(stack, "airflow-scheduler", "/srv/data") == []


@pytest.mark.usefixtures("trained")
@pytest.mark.parametrize("role", [AIRFLOW, PIPELINE, SERVING])
def test_a_role_may_do_no_more_than_its_service_needs(stack: Project, role: str) -> None:
    assert rights.surplus(role, rights.of(stack, role)) == []


@pytest.mark.usefixtures("trained")
def test_the_services_role_may_do_what_it_needs(stack: Project) -> None:
    assert rights.of(stack, SERVING)["churn"] == rights.SERVING_MAY


def test_no_secret_of_the_stack_shows_in_its_logs_or_process_lists(stack: Project) -> None:
    shown = stack.compose("logs", "--no-color", "--no-log-prefix")
    for service in LONG_RUNNING:
        script = "cat /proc/[0-9]*/cmdline 2>/dev/null"
        shown += stack.inside(service, "sh", "-c", script).stdout
    names = [name for name, value in stack.secrets.items() if len(value) > 20 and value in shown]
    assert names == []


@each_service
def test_a_health_check_passes_for_a_healthy_service(stack: Project, service: str) -> None:
    assert checks.probe(stack, service) == 0
