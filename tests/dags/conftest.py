"""The DAGs as Airflow parses them, in a home of their own that no other test sees."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag

PROJECT = Path(__file__).parents[2]
DAGS = PROJECT / "dags"


@contextmanager
def _logging_restored() -> Iterator[None]:
    """Importing Airflow configures logging for its own processes; other tests want theirs."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    enabled = [x for x in root.manager.loggerDict.values() if isinstance(x, logging.Logger)]
    disabled = {logger: logger.disabled for logger in enabled}
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        for logger, was in disabled.items():
            logger.disabled = was


@pytest.fixture(scope="session")
def airflow_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for whatever Airflow writes while it is imported here."""
    home = tmp_path_factory.mktemp("airflow")
    with pytest.MonkeyPatch.context() as patch, _logging_restored():
        for name in [name for name in os.environ if name.startswith(("AIRFLOW", "CHURN_"))]:
            patch.delenv(name)
        patch.setenv("AIRFLOW_HOME", str(home))
        patch.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
        patch.setenv("AIRFLOW__CORE__DAGS_FOLDER", str(DAGS))
        yield home


@pytest.fixture(scope="session")
def dag_bag(airflow_home: Path) -> DagBag:
    """Every DAG of the project."""
    from airflow.dag_processing.dagbag import DagBag

    assert airflow_home.is_dir()
    return DagBag(dag_folder=str(DAGS))


def run_python(
    code: str, home: Path, environment: Mapping[str, str] | None = None, *options: str
) -> str:
    """Run code in a fresh process, warnings as errors; return the last line that it prints."""
    finished = subprocess.run(
        [sys.executable, "-W", "error", *options, "-c", code],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            **(environment or {}),
        },
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout.splitlines()[-1]


def run_python_for_json(
    code: str, home: Path, environment: Mapping[str, str] | None = None
) -> object:
    """Run code in a fresh process and read the last line that it prints as JSON."""
    content: object = json.loads(run_python(code, home, environment))
    return content
