"""What happens, and what does not, when Airflow parses a DAG file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.dags.conftest import DAGS, run_python_for_json

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag

FILES = sorted(DAGS.glob("*.py"))
HEAVY = (
    "pandas", "sklearn", "scipy", "numpy", "joblib", "psycopg", "psycopg2", "apprise", "matplotlib",
)  # fmt: skip

_HEAVY_AFTER_PARSING = """
import json, runpy, sys
runpy.run_path({path!r}, run_name="parsed")
print(json.dumps(sorted(set({heavy!r}) & set(sys.modules))))
"""

_SERIALISED = """
import json, socket
def refuse(*_): raise AssertionError("a DAG file opened a socket while it was parsed")
import airflow.sdk
from airflow.dag_processing.dagbag import DagBag
from airflow.serialization.serialized_objects import DagSerialization
socket.socket.connect = refuse
bag = DagBag(dag_folder={folder!r})
assert not bag.import_errors, bag.import_errors
dags = {{dag_id: DagSerialization.to_dict(dag) for dag_id, dag in bag.dags.items()}}
print(json.dumps(dags, sort_keys=True))
"""


def test_every_file_is_parsed_and_gives_exactly_the_dags_that_we_have(dag_bag: DagBag) -> None:
    assert dag_bag.import_errors == {}
    assert set(dag_bag.dags) == {"churn_training", "churn_monitoring"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_parsing_a_file_loads_nothing_heavy(path: Path, tmp_path: Path) -> None:
    code = _HEAVY_AFTER_PARSING.format(path=str(path), heavy=HEAVY)
    loaded = run_python_for_json(code, tmp_path)
    assert loaded == [], f"{path.name} imports {loaded} while it is parsed; import it in the task"


_SCHEDULE = """
import json
from airflow.dag_processing.dagbag import DagBag
from airflow.serialization.serialized_objects import DagSerialization
dag = DagBag(dag_folder={folder!r}).dags[{dag!r}]
print(json.dumps(DagSerialization.to_dict(dag)["dag"]["timetable"], sort_keys=True))
"""


@pytest.mark.parametrize(
    ("dag", "schedule"), [("churn_training", "0 2 * * *"), ("churn_monitoring", "0 5 * * *")]
)
def test_the_nightly_runs_are_in_utc_whatever_airflows_own_time_zone_is(
    dag: str, schedule: str, tmp_path: Path
) -> None:
    code = _SCHEDULE.format(folder=str(DAGS), dag=dag)
    brazil = {"AIRFLOW__CORE__DEFAULT_TIMEZONE": "America/Sao_Paulo"}
    found = json.dumps(run_python_for_json(code, tmp_path, brazil))
    assert schedule in found
    assert "UTC" in found


@pytest.mark.slow
def test_parsing_reads_no_environment_no_network_and_no_clock(tmp_path: Path) -> None:
    code = _SERIALISED.format(folder=str(DAGS))
    plain = run_python_for_json(code, tmp_path)
    other = {
        "CHURN_HOME": "/nowhere",
        "CHURN_DATA": "/nowhere/data",
        "CHURN_DATABASE_URL": "postgresql://nowhere/churn",
        "CHURN_MODEL_STORE": "/nowhere/models",
        "CHURN_API_URL": "https://elsewhere",
        "CHURN_ALERT_URLS": "json://elsewhere",
        "API_PORT": "1",
        "TZ": "Pacific/Auckland",
        "PYTHONHASHSEED": "7",
    }
    assert run_python_for_json(code, tmp_path, other) == plain
