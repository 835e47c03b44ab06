"""What each database role may do, tried with its real login inside the stack."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from local.databases import AIRFLOW, CHURN_DATABASE, PIPELINE, SERVING
from tests.compose.progress import StepError
from tests.compose.project import Project

PASSWORDS = {
    AIRFLOW: "AIRFLOW_DB_PASSWORD",
    PIPELINE: "CHURN_PIPELINE_PASSWORD",
    SERVING: "CHURN_SERVING_PASSWORD",
}
HOMES = {AIRFLOW: AIRFLOW, PIPELINE: CHURN_DATABASE, SERVING: CHURN_DATABASE}
SERVING_MAY = {
    *("SELECT customers", "SELECT model_events", "SELECT model_versions"),
    *("SELECT schema_migrations", "SELECT drift_reports", "SELECT performance_reports"),
    *("SELECT alarms", "SELECT alarm_messages", "SELECT alarm_silences"),
    *("EXECUTE record_predictions", "EXECUTE record_outcomes", "EXECUTE alarm_silenced_until"),
}
NOBODY_MAY = {
    *("CREATE ROLE", "CREATE DATABASE", "COPY TO PROGRAM", "READ FILES"),
    *(f"{verb} model_events" for verb in ("UPDATE", "DELETE", "TRUNCATE")),
}
_SCRIPT = Path(__file__).with_name("inside_rights.py")

Rights = Mapping[str, set[str]]


def of(project: Project, role: str) -> Rights:
    """Return what a role may do in each database that it may enter."""
    url = f"postgresql://{role}:{project.secrets[PASSWORDS[role]]}@postgres:5432"
    python = ["python", "-c", _SCRIPT.read_text(encoding="utf-8")]
    run = ["exec", "-T", "--env", f"ROLE_URL={url}", "airflow-scheduler", *python]
    found = json.loads(project.compose(*run))
    if not found:
        raise StepError(f"{role} may enter no database")
    return {database: set(rights) for database, rights in found.items()}


def surplus(role: str, rights: Rights) -> list[str]:
    """Find what a role may do and should not."""
    return [f"{role}: {finding}" for finding in sorted(_surplus(role, rights))]


def _surplus(role: str, rights: Rights) -> Iterator[str]:
    home = HOMES[role]
    yield from (f"enters {database}" for database in rights if database != home)
    unwanted = rights[home] - SERVING_MAY if role == SERVING else rights[home] & NOBODY_MAY
    yield from (f"{right} in {home}" for right in unwanted)
