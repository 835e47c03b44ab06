"""The whole DAG, run by Airflow in a process of its own on a real PostgreSQL."""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import psycopg
import pytest

from churn.registry.loaded_model import load_model
from churn.registry.store import ModelStore
from local import databases
from local.databases import PIPELINE, SERVING, Database
from local.postgres import Server
from tests.changed_file import write_changed

pytestmark = pytest.mark.stack

PROJECT = Path(__file__).parents[2]
STEPS = ("create_tables", "load_csv", "clean", "train", "decide", "approve", "publish")
NOBODY_ASKED = {**dict.fromkeys(STEPS, "success"), "approve": "skipped"}
KEPT = {**NOBODY_ASKED, "publish": "skipped"}

_RUNS = """
import json, sys
import psycopg
from airflow.dag_processing.dagbag import DagBag
from churn.registry.store import ModelStore
from churn.core.settings import Settings
from orchestration.edges import warehouse

store = ModelStore(Settings.from_environment().model_store)
observed = {}
for name, conf in json.loads(sys.argv[2]).items():
    dag = DagBag(dag_folder=sys.argv[1]).dags["churn_training"]  # a run leaves its conf in the DAG
    run = dag.test(run_conf=conf)
    tasks = run.get_task_instances()
    with warehouse() as connection:
        (customers,) = connection.execute("SELECT count(*) FROM customers").fetchone()
        (recorded,) = connection.execute("SELECT count(*) FROM model_versions").fetchone()
        events = connection.execute(
            "SELECT kind, version, actor, reason FROM model_events ORDER BY event_id"
        ).fetchall()
    observed[name] = {
        "state": str(run.state),
        "tasks": {task.task_id: str(task.state) for task in tasks},
        "tries": {task.task_id: task.try_number for task in tasks},
        "current": store.current(),
        "versions": list(store.versions()),
        "candidates": len(list((store.path / "candidates").iterdir())),
        "customers": customers,
        "recorded": recorded,
        "events": events,
        "run": run.run_id,
    }
print("OBSERVED" + json.dumps(observed))
"""

RUNS: dict[str, dict[str, object]] = {
    "real": {},
    "missing": {"file": "nothing.csv"},
    "dry": {"mode": "dry run", "file": "newest"},
    "again": {"mode": "publish", "file": "churn.csv"},  # the params of a process are shared
    "night": {"mode": "publish", "file": "newest"},
}


@dataclass(frozen=True)
class Observed:
    """What was true after a run."""

    state: str
    tasks: dict[str, str]
    tries: dict[str, int]
    current: str
    versions: list[str]
    candidates: int
    customers: int
    recorded: int
    events: list[list[str]]
    run: str


@dataclass(frozen=True)
class Runs:
    """The runs, one after the other over one warehouse and one store, and what Airflow said."""

    after: dict[str, Observed]
    log: str
    store: ModelStore


@pytest.fixture(scope="module")
def warehouse_url(postgres_server: Server) -> Iterator[str]:
    """A database for all the runs of this module."""
    name = f"churn_{secrets.token_hex(6)}"
    with psycopg.connect(postgres_server.url(), autocommit=True) as connection:
        database = Database(name=name, owner=PIPELINE, guests=(SERVING,))
        databases.create_database(connection, database)
        yield postgres_server.url(name, role=PIPELINE, password=postgres_server.password)
        databases.drop_database(connection, name)


def _environment(home: Path, warehouse_url: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "AIRFLOW_HOME": str(home),
        "AIRFLOW_CONN_CHURN_WAREHOUSE": warehouse_url,
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(PROJECT / "plugins"),
        "CHURN_HOME": str(home),
        "CHURN_MODEL_STORE": str(home / "models"),
    }


def _run(arguments: list[str], environment: dict[str, str]) -> str:
    finished = subprocess.run(
        [sys.executable, *arguments],
        env=environment,
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert finished.returncode == 0, finished.stderr[-5_000:]
    return finished.stdout + finished.stderr


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, warehouse_url: str) -> Runs:
    """Run the DAG on the real file, a missing one, dry, on the same file and on changed data."""
    home = tmp_path_factory.mktemp("airflow")
    changed = write_changed(home / "changed.csv")
    confs = {**RUNS, "changed": {"mode": "publish", "file": str(changed), "allow_change": True}}
    environment = _environment(home, warehouse_url)
    _run(["-m", "airflow", "db", "migrate"], environment)
    log = _run(["-c", _RUNS, str(PROJECT / "dags"), json.dumps(confs)], environment)
    (line,) = (line for line in log.splitlines() if line.startswith("OBSERVED"))
    observed = cast(dict[str, dict[str, object]], json.loads(line.removeprefix("OBSERVED")))
    after = {name: Observed(**facts) for name, facts in observed.items()}  # type: ignore[arg-type]
    return Runs(after, log, ModelStore(home / "models"))


def test_the_dag_succeeds_on_the_real_file(runs: Runs) -> None:
    assert runs.after["real"].state == "success"
    assert runs.after["real"].tasks == NOBODY_ASKED
    assert set(runs.after["real"].tries.values()) == {1}


def test_the_dag_brings_in_every_customer(runs: Runs) -> None:
    assert runs.after["real"].customers == 7_043


def test_the_dag_publishes_a_sound_version_and_records_it(runs: Runs) -> None:
    real = runs.after["real"]
    assert real.versions == [real.current]
    assert real.recorded == 1
    model = load_model(runs.store.published(real.current))
    assert model.manifest.trained_on.customers == 7_043
    assert model.manifest.cross_validation["roc_auc"].mean >= 0.849
    assert model.manifest.cross_validation["log_loss"].mean <= 0.412


def test_a_missing_file_fails_the_run_at_once_without_another_try(runs: Runs) -> None:
    missing = runs.after["missing"]
    assert missing.state == "failed"
    assert missing.tasks == {
        "create_tables": "success",
        "load_csv": "failed",
        "clean": "upstream_failed",
        "train": "upstream_failed",
        "decide": "upstream_failed",
        "approve": "upstream_failed",
        "publish": "upstream_failed",
    }
    assert missing.tries["load_csv"] == 1


def test_a_missing_file_is_named_in_the_log_with_what_there_is(runs: Runs) -> None:
    assert "nothing.csv: there is no such file in" in runs.log
    assert "which has churn.csv" in runs.log


def test_a_missing_file_leaves_customers_and_model_as_they_were(runs: Runs) -> None:
    real, missing = runs.after["real"], runs.after["missing"]
    assert (missing.customers, missing.current) == (real.customers, real.current)
    assert missing.versions == real.versions


def test_a_dry_run_trains_and_leaves_the_live_model(runs: Runs) -> None:
    real, dry = runs.after["real"], runs.after["dry"]
    assert dry.state == "success"
    assert dry.tasks == KEPT
    assert dry.events == real.events
    assert (dry.current, dry.versions, dry.recorded) == (real.current, real.versions, 1)
    assert dry.candidates == 1


def test_running_the_dag_again_changes_no_count(runs: Runs) -> None:
    assert runs.after["dry"].customers == runs.after["real"].customers


def test_a_run_on_unchanged_data_gives_no_new_version_and_reports_it(runs: Runs) -> None:
    real, again = runs.after["real"], runs.after["again"]
    assert (again.state, again.tasks) == ("success", KEPT)
    assert (again.current, again.versions, again.recorded) == (real.current, real.versions, 1)
    assert again.candidates == 1  # of the dry run
    kind, _, actor, reason = again.events[-1]
    assert (kind, actor) == ("kept", f"Airflow run {again.run}")
    assert f"unchanged: data and code give {real.current} again" in reason


def test_a_night_without_a_new_file_is_skipped_and_reported(runs: Runs) -> None:
    again, night = runs.after["again"], runs.after["night"]
    skipped = dict.fromkeys(STEPS, "skipped")
    assert (night.state, night.tasks) == ("success", {**skipped, "create_tables": "success"})
    assert (night.events, night.current, night.versions) == (
        again.events,
        again.current,
        again.versions,
    )
    assert "there is no new customer file in" in runs.log
    assert "choose *Train again*" in runs.log


def test_a_run_on_changed_data_replaces_the_stale_champion_and_records_why(runs: Runs) -> None:
    again, changed = runs.after["again"], runs.after["changed"]
    assert (changed.state, changed.tasks) == ("success", NOBODY_ASKED)
    assert changed.versions == [*again.versions, changed.current]
    assert changed.recorded == 2
    proposed, promoted = changed.events[-2:]
    assert (proposed[0], promoted[0]) == ("proposed", "promoted")
    assert promoted[1:] == [changed.current, f"Airflow run {changed.run}", proposed[3]]
    assert "promote: better beyond noise" in proposed[3]
