"""The serving image: nothing in what it runs reads a pickle, and its lock holds nothing heavy."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from local.containers import PROJECT

UNWANTED = {"apache-airflow", "pandas", "scikit-learn", "joblib", "cloudpickle", "dill", "skops"}
LOCK = (PROJECT / "locks" / "serving.lock").read_text(encoding="utf-8")
PICKLING = {"pickle", "cPickle", "joblib", "dill", "cloudpickle", "marshal", "shelve"}
SERVED = ("serving/api", "include/churn/model", "include/churn/registry")
SOURCES = [path for folder in SERVED for path in sorted((PROJECT / folder).rglob("*.py"))]

_IMPORTED = """
import sys
from serving.api import app, batch, customers
print("\\n".join(sys.modules))
"""


def _imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found


def test_the_lock_holds_no_airflow_pandas_or_scikit_learn() -> None:
    names = set(re.findall(r"^([a-z0-9-]+)(?:\[.*\])?==", LOCK, re.MULTILINE))
    assert "fastapi" in names
    assert not names & UNWANTED


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_no_module_that_serves_imports_a_pickle(path: Path) -> None:
    assert not _imported(path) & PICKLING


def test_importing_the_service_imports_nothing_heavy() -> None:
    command = [sys.executable, "-c", _IMPORTED]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=PROJECT)
    heavy = {"airflow", "pandas", "sklearn", "joblib", "xgboost", "scipy"}
    assert not heavy & {name.partition(".")[0] for name in done.stdout.split()}


def test_a_models_pickle_is_never_opened_by_the_service() -> None:
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        assert "pickle.load" not in text, path
        assert "joblib.load" not in text, path
