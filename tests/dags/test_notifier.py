"""The report of a failed run, made as Airflow's DAG processor makes it, and taken by a web hook."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.dags.conftest import DAGS, run_python
from tests.receivers import SECRET, web_hook

_CALL_BACK = """
import structlog
from airflow.callbacks.callback_requests import DagCallbackRequest
from airflow.dag_processing.dagbag import DagBag
from airflow.dag_processing.processor import _execute_dag_callbacks

request = DagCallbackRequest(
    filepath="churn_training.py", dag_id={dag!r}, run_id="scheduled__2026-11-30",
    bundle_name="dags", bundle_version=None, is_failure_callback=True, msg={msg!r},
)
_execute_dag_callbacks(DagBag(dag_folder={folder!r}), request, structlog.get_logger())
print("done")
"""


@pytest.mark.parametrize(
    ("dag", "msg", "reason"),
    [
        ("churn_training", "task_failure", "task failure"),
        ("churn_monitoring", "timed_out", "timed out"),
    ],
)
def test_a_failed_run_is_one_message(dag: str, msg: str, reason: str, tmp_path: Path) -> None:
    code = _CALL_BACK.format(dag=dag, msg=msg, folder=str(DAGS))
    with web_hook() as hook:
        run_python(code, tmp_path, {"CHURN_ALERT_URLS": hook.address})
    (posted,) = hook.posted
    assert posted["title"] == f"Churn DAG failed: {dag}"
    assert posted["message"] == f"The run scheduled__2026-11-30 of {dag} failed: {reason}."
    assert posted["type"] == "failure"


def test_a_service_that_is_away_is_logged_without_its_secret(tmp_path: Path) -> None:
    code = _CALL_BACK.format(dag="churn_training", msg="task_failure", folder=str(DAGS))
    code = (
        f"import contextlib, sys\nwith contextlib.redirect_stderr(sys.stdout):\n    exec({code!r})"
    )
    address = f"json://127.0.0.1:1/{SECRET}"
    shown = run_python(
        f"import io, contextlib\nheld = io.StringIO()\n"
        f"with contextlib.redirect_stdout(held):\n    exec({code!r})\n"
        f"print(repr(held.getvalue()))",
        tmp_path,
        {"CHURN_ALERT_URLS": address, "AIRFLOW__LOGGING__LOGGING_LEVEL": "DEBUG"},
    )
    assert SECRET not in shown
    assert "done" in shown
