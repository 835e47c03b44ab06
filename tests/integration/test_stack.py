"""The whole stack as a user starts it: processes of its own, real scheduler, real kills."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain, pairwise
from pathlib import Path
from typing import LiteralString

import psutil
import psycopg
import pytest

from local import health, orphans, supervisor
from local.airflow_client import log_in
from local.console import Console
from local.databases import PIPELINE
from local.first_run import DAG, follow, published_version
from local.layout import PROJECT
from local.network import free_port
from local.orphans import Mark
from local.programs import NAMES
from local.serving import served_version
from local.stack import DEFAULT_PORTS, Stack, open_stack
from local.summary import FIRST_CUSTOMER
from local.web import Document, call
from tests.changed_file import write_changed
from tests.docs.blocks import Block, find, shown_after
from tests.integration.local_command import local
from tests.integration.steady_load import SteadyLoad

pytestmark = pytest.mark.stack

HEAL_SECONDS = 90.0
NEVER = "1970-01-01T00:00:00Z"
CHROMIUM = "/usr/bin/chromium"
FindProcess = Callable[[Stack], int]


def printed(block: Block, environment: dict[str, str], stdin: str = "") -> str:
    """Run commands of a document as they stand there, in the folder that has the state."""
    done = subprocess.run(
        (shutil.which("bash") or "bash", "-euo", "pipefail", "-c", block.commands),
        input=stdin,
        cwd=Path(environment["CHURN_HOME"]).parent,
        env={**os.environ, "MAKEFLAGS": "--silent", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def environment() -> Iterator[dict[str, str]]:
    """A project's folder that holds the state, as a clone does."""
    folder = Path(tempfile.mkdtemp(prefix="churn-stack-"))
    for name in (".venv", "Makefile", "include", "local", "data"):
        (folder / name).symlink_to(PROJECT / name)
    ports = {name: str(free_port()) for name in DEFAULT_PORTS}
    try:
        yield {"CHURN_HOME": str(folder / ".local"), **ports}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def started(environment: dict[str, str]) -> Iterator[str]:
    """Start the stack as a newcomer does; return what was printed."""
    try:
        yield printed(find("README.md", "$ make up"), environment)
    finally:
        stopped = local("down", environment)
    assert stopped.returncode == 0, stopped.stderr


@pytest.fixture(scope="module")
def stack(started: str, environment: dict[str, str]) -> Stack:
    assert started
    return open_stack(environment)


def train(stack: Stack, **params: object) -> str:
    airflow = log_in(stack)
    assert eventually(lambda: airflow.parsed(DAG))
    run = airflow.trigger(DAG, params)
    state = follow(Console(), airflow, run)
    assert state == "success", airflow.tasks(DAG, run)
    return run


def predict(stack: Stack) -> Document:
    answer = call(stack.ports.api, "/predict", body=FIRST_CUSTOMER)
    assert answer.ok, answer
    return answer.body


def count(stack: Stack, query: LiteralString) -> int:
    with psycopg.connect(stack.database_url(PIPELINE)) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0])


def eventually(condition: Callable[[], bool], seconds: float = HEAL_SECONDS) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with suppress(OSError, LookupError, psutil.Error):
            if condition():
                return True
        time.sleep(0.2)
    return False


def is_healthy(stack: Stack) -> bool:
    return all(part.healthy for part in health.check(stack))


def sessions(stack: Stack) -> set[int]:
    """Return the sessions that the stack's programs were started in."""
    return {int(file.stem) for file in stack.layout.run.glob(f"*{orphans.SESSION}")}


def workers(of_sessions: set[int]) -> set[int]:
    """Return the LocalExecutor workers of these sessions; they hide their environment."""
    titles = psutil.process_iter(["cmdline", "uids"])
    return {
        one.pid
        for one in titles
        if one.info["uids"].real == os.getuid()
        and "LocalExecutor" in " ".join(one.info["cmdline"] or ())
        and os.getsid(one.pid) in of_sessions
    }


def program(name: str) -> FindProcess:
    return lambda stack: supervisor.states(stack.layout)[name].pid


def child_of(name: str) -> FindProcess:
    return lambda stack: psutil.Process(program(name)(stack)).children()[-1].pid


def the_supervisor(stack: Stack) -> int:
    return psutil.Process(program("watchdog")(stack)).ppid()


KILLED: Mapping[str, FindProcess] = {
    **{name: program(name) for name in NAMES},
    "a worker of the scheduler": child_of("scheduler"),
    "the triggerer's runner": child_of("triggerer"),
    "a postgres backend": child_of("postgres"),
    "the supervisor": the_supervisor,
}
GROUPS = {
    "database": ("a postgres backend", "postgres"),
    "programs": (
        *("dag-processor", "the triggerer's runner", "triggerer"),
        *("api", "api-server", "scheduler"),
    ),
    "watchdog and worker": ("watchdog", "a worker of the scheduler"),
    "supervisor": ("the supervisor",),
}
REPLACED: Mapping[str, FindProcess] = {
    **KILLED,
    "a worker of the scheduler": program("scheduler"),  # the watchdog has it started again
}


def test_every_part_is_up_and_reported_as_healthy(
    stack: Stack, environment: dict[str, str]
) -> None:
    answer = printed(find("operating.md", "$ make status"), environment)
    parts, _, model = answer.partition("\n\n")
    assert [line.split()[1] for line in parts.splitlines()] == list(NAMES)
    assert model.startswith(f"serves {published_version(stack)}, since 20")
    assert re.search(r"ROC-AUC +0\.8\d+ +0\.5000\n", model)
    assert stack.airflow_url in answer


def without_names(text: str) -> str:
    """Return text without versions, ports and folders, which differ from start to start."""
    for pattern in (r"\d{8}T\d{6}Z-[0-9a-f]{8}", r"localhost:\d+", r"\S+(?=/\.local)"):
        text = re.sub(pattern, "…", text)
    return text


def test_the_first_start_trains_and_ends_with_the_summary(stack: Stack, started: str) -> None:
    assert "publish: success" in started
    assert f"the service serves {served_version(stack)}" in started
    for line in shown_after("README.md", "$ make up").text.splitlines():
        assert without_names(line) in without_names(started)
    assert "`make down` stops it" in started


def test_the_start_shows_what_is_awaited_at_least_every_five_seconds(started: str) -> None:
    seconds = [float(found) for found in re.findall(r"^\[ *([\d.]+) s\]", started, re.MULTILINE)]
    assert len(seconds) > 10
    assert max(b - a for a, b in pairwise(seconds)) <= 5.5


def test_starting_twice_reports_that_it_runs_and_changes_nothing(
    stack: Stack, environment: dict[str, str]
) -> None:
    before = supervisor.states(stack.layout)
    answer = local("up", environment)
    assert answer.returncode == 0
    assert "already running" in answer.stdout
    assert supervisor.states(stack.layout) == before


def test_a_second_stack_on_the_same_ports_is_refused_before_anything_starts(
    stack: Stack, environment: dict[str, str], tmp_path: Path
) -> None:
    answer = local("up", {**environment, "CHURN_HOME": str(tmp_path / "other")})
    assert answer.returncode == 1
    for port in (stack.ports.api, stack.ports.airflow, stack.ports.postgres):
        assert f"ort {port} is taken by another program" in answer.stderr
    assert re.search(r"Choose others, such as API_PORT=\d+ AIRFLOW_PORT=\d+ POST", answer.stderr)
    assert len(answer.stderr.splitlines()) == 1
    assert not (tmp_path / "other" / "postgres").exists()


def test_the_real_file_goes_through_the_real_scheduler_into_the_service(stack: Stack) -> None:
    """The first start ran the DAG on it."""
    assert eventually(lambda: served_version(stack) == published_version(stack) != "")
    before = logged(stack)
    assert predict(stack).text("prediction") in {"0", "1"}
    assert count(stack, "SELECT count(*) FROM customers") == 7043
    assert eventually(lambda: logged(stack) == before + 1)


def test_a_publish_under_load_fails_no_request_and_is_served_within_five_seconds(
    stack: Stack, tmp_path: Path
) -> None:
    before = served_version(stack)
    changed = write_changed(tmp_path / "changed.csv")
    with SteadyLoad(stack.ports.api) as load:
        train(stack, file=str(changed), allow_change=True)
        after = published_version(stack)
        published_at = (stack.layout.models / "CURRENT").stat().st_mtime
        assert eventually(lambda: load.answered[-1].version == after, seconds=5)
    assert after != before
    assert len(load.answered) > 100
    assert {one.status for one in load.answered} == {200}
    assert {one.version for one in load.answered} == {before, after}
    assert min(one.at for one in load.answered if one.version == after) - published_at < 5
    answered = len(load.answered)
    assert eventually(lambda: logged(stack) >= answered)


def ask(stack: Stack, file: Path) -> str:
    """Start a run whose promotion is manual; return its address when it waits for a person."""
    airflow = log_in(stack)
    today = f"{datetime.now(UTC).date()}"  # the sample's own day is older than what is known
    asked = {"promotion": "manual", "load_again": True, "allow_change": True}
    run = airflow.trigger(DAG, {"file": str(file), "snapshot_date": today, **asked})
    assert eventually(lambda: waits(stack, run)), airflow.tasks(DAG, run)
    return f"/api/v2/dags/{DAG}/dagRuns/{run}"


def waits(stack: Stack, run: str) -> bool:
    tasks = log_in(stack).tasks(DAG, run)
    return any((task.name, task.state) == ("approve", "awaiting_input") for task in tasks)


def answer(stack: Stack, run: str, chosen: str) -> str:
    """Answer as the UI does; return the text that the person read."""
    address, token = f"{run}/taskInstances/approve/-1/hitlDetails", log_in(stack).token
    asked = call(stack.ports.airflow, address, token=token)
    assert asked.body.text("subject") == "Shall this model take over?"
    # Airflow's scheduler takes an answer within the half second after the question for a lost task.
    time.sleep(3)
    body = {"chosen_options": [chosen], "params_input": {}}
    answered = call(stack.ports.airflow, address, token=token, body=body, method="PATCH")
    assert answered.ok, answered
    assert eventually(lambda: state(stack, run) == "success"), approval_log(stack, run)
    return asked.body.text("body")


def approval_log(stack: Stack, run: str) -> list[str]:
    run_id = run.rpartition("/")[2]
    airflow = log_in(stack)
    (task,) = (one for one in airflow.tasks(DAG, run_id) if one.name == "approve")
    first = replace(task, attempt=1)
    return [task.state, *airflow.log(DAG, run_id, first)]


def state(stack: Stack, run: str) -> str:
    return call(stack.ports.airflow, run, token=log_in(stack).token).body.text("state")


def last_event(stack: Stack) -> tuple[object, ...]:
    with psycopg.connect(stack.database_url(PIPELINE)) as connection:
        query = "SELECT kind, version, actor FROM model_events ORDER BY event_id DESC LIMIT 1"
        row = connection.execute(query).fetchone()
    assert row is not None
    return row


def test_a_person_declines_and_then_approves_a_better_model_in_airflow(
    stack: Stack,
) -> None:
    before = published_version(stack)
    original = PROJECT / "data" / "churn.csv"
    run = ask(stack, original)
    assert published_version(stack) == before
    told = answer(stack, run, "Reject")
    assert "promote: better beyond noise" in told
    assert "# Churn model" in told
    assert published_version(stack) == before
    kind, declined, actor = last_event(stack)
    assert kind == "declined"
    assert declined != before
    assert str(actor).startswith("Airflow run manual__")

    answer(stack, ask(stack, original), "Approve")
    kind, promoted, actor = last_event(stack)
    assert kind == "promoted"
    assert promoted == published_version(stack) != before
    assert str(actor).endswith(", approved by admin")
    assert eventually(lambda: served_version(stack) == promoted)


def logged(stack: Stack) -> int:
    return count(stack, "SELECT count(*) FROM prediction_logs")


def test_no_file_of_the_stack_is_open_to_other_users(stack: Stack) -> None:
    secret = [stack.layout.secrets, stack.layout.addresses, *stack.layout.airflow.glob("*.json*")]
    assert {path.stat().st_mode & 0o077 for path in secret} == {0}
    assert stack.layout.home.stat().st_mode & 0o077 == 0


@pytest.mark.skipif(not Path(CHROMIUM).exists(), reason=f"no {CHROMIUM}: the button is not pressed")
def test_the_button_in_the_ui_runs_the_dag_to_success(stack: Stack, tmp_path: Path) -> None:
    script = PROJECT / "tests" / "integration" / "press_trigger.py"
    before = count_runs(stack)
    pressed = subprocess.run(
        (sys.executable, script, stack.airflow_url, str(tmp_path / "run.png")),
        env={**os.environ, "AIRFLOW_PASSWORD": stack.credentials.airflow_admin_password},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert pressed.returncode == 0, pressed.stdout + pressed.stderr
    assert (tmp_path / "run.png").stat().st_size > 0
    assert count_runs(stack) == before + 1


def count_runs(stack: Stack) -> int:
    airflow = log_in(stack)
    runs = call(airflow.port, f"/api/v2/dags/{DAG}/dagRuns?state=success", token=airflow.token)
    return int(runs.body.number("total_entries"))


def kill(stack: Stack, name: str) -> None:
    """Kill a process of the stack and return when its successor works and a prediction succeeds."""
    former, process = REPLACED[name](stack), psutil.Process(KILLED[name](stack))
    os.kill(process.pid, signal.SIGKILL)
    assert eventually(lambda: not process.is_running() or process.status() == "zombie")
    killed_at = datetime.now(UTC)
    assert eventually(lambda: REPLACED[name](stack) != former), health.check(stack)
    assert eventually(lambda: is_healthy(stack)), health.check(stack)
    assert eventually(lambda: min(heartbeats(stack)) > killed_at), heartbeats(stack)
    if name == "dag-processor":
        assert eventually(lambda: parsed_at(stack) > killed_at), parsed_at(stack)
    assert eventually(lambda: served_version(stack) == published_version(stack))
    predict(stack)


def heartbeats(stack: Stack) -> tuple[datetime, ...]:
    """Return the last heartbeats of the scheduler, the DAG processor and the triggerer.

    Airflow reports a part as healthy for as long as the last heartbeat of its predecessor is young.
    """
    parts = call(stack.ports.airflow, health.HEALTH).body
    names = ("scheduler", "dag_processor", "triggerer")
    texts = [parts.text(name, f"latest_{name}_heartbeat") for name in names]
    return tuple(datetime.fromisoformat(text or NEVER) for text in texts)


def parsed_at(stack: Stack) -> datetime:
    """Return when the DAG processor last read the DAG."""
    airflow = log_in(stack)
    read = call(airflow.port, f"/api/v2/dags/{DAG}", token=airflow.token).body
    return datetime.fromisoformat(read.text("last_parsed_time") or NEVER)


def test_every_program_is_killed_once() -> None:
    assert sorted(chain.from_iterable(GROUPS.values())) == sorted(KILLED)


@pytest.mark.parametrize("names", GROUPS.values(), ids=GROUPS)
def test_what_is_killed_comes_back_and_the_next_run_and_prediction_succeed(
    stack: Stack, names: tuple[str, ...]
) -> None:
    """Kill the processes of a group one after another, then run the DAG once.

    After each kill, the process has a successor, each part of Airflow sent a heartbeat later than
    the kill, the DAG was read later than the kill of the DAG processor, and a prediction succeeds.
    The run shows what only a run can: that tasks are scheduled, executed and recorded. Only what
    starts a part again could hide that it had come back without working, so no kill in a group
    restarts a part that was killed before it in the group. The triggerer and the API have no
    share in a run. That a new watchdog watches is shown by the worker that is killed after it:
    without a watchdog the scheduler would not be replaced.
    """
    for name in names:
        kill(stack, name)
    train(stack, file="churn.csv")
    assert eventually(lambda: served_version(stack) == published_version(stack))
    predict(stack)
    assert count(stack, "SELECT count(*) FROM customers") == 7043


def test_psql_of_the_docs_finds_the_predictions(stack: Stack, environment: dict[str, str]) -> None:
    assert eventually(lambda: logged(stack) > 0)
    query = find("operating.md", "SELECT predicted_at").commands
    told = printed(find("operating.md", "$ make psql"), environment, stdin=query)
    assert published_version(stack) in told


def test_the_demo_fills_the_stack_and_is_removed(stack: Stack, environment: dict[str, str]) -> None:
    before = count(stack, "SELECT count(*) FROM customers")
    shown = printed(find("README.md", "$ make demo"), environment)
    assert "wrote 34," in shown
    assert "drift, contract: contract differs from training since about" in shown
    assert "more of the customers churn than the scores promised" in shown
    assert count(stack, "SELECT count(*) FROM alarms WHERE closed_at IS NULL") > 0
    path = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    removed = printed(find("README.md", "churn simulate --remove"), {**environment, **path})
    assert "drift, contract" in removed, "the alarms, before they are removed"
    assert count(stack, "SELECT count(*) FROM customers") == before
    assert count(stack, "SELECT count(*) FROM alarms") == 0


def test_stopping_leaves_no_process(stack: Stack, environment: dict[str, str]) -> None:
    """The next test starts the stack again."""
    started = sessions(stack)
    assert workers(started)
    printed(find("operating.md", "$ make down"), environment)
    assert orphans.find(Mark(stack.credentials.stack_id, stack.layout.run)) == set()
    assert workers(started) == set()
    assert orphans.find_server(stack.layout.database) == set()
    assert local("status", environment).returncode == 1


def test_starting_again_keeps_the_model_and_so_do_backup_and_restore_of_the_docs(
    stack: Stack, environment: dict[str, str]
) -> None:
    served = published_version(stack)
    assert served
    printed(
        find(
            "operating.md",
            "tar -czf churn-backup.tar.gz -C .local --exclude=./run --exclude=./logs .\nmake up",
        ),
        environment,
    )
    assert served_version(stack) == served
    answered = logged(stack)
    printed(find("operating.md", "tar -xzf"), environment)
    assert served_version(stack) == served
    assert logged(stack) == answered
    assert eventually(lambda: is_healthy(stack))


def test_reset_and_uninstall_of_the_docs_leave_nothing(
    stack: Stack, environment: dict[str, str]
) -> None:
    home = stack.layout.home
    printed(find("operating.md", "rm -rf .local\n"), environment)
    assert not home.exists()
    assert orphans.find_server(stack.layout.database) == set()
    printed(find("operating.md", "rm -rf .local .venv"), environment)
    assert not (home.parent / ".venv").exists()
