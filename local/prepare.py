"""What the services need before they start: a server, roles, databases, Airflow's tables."""

import subprocess
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

import psycopg

from local import databases, envfile, postgres
from local.databases import AIRFLOW
from local.environment import airflow_environment, common_environment, write_airflow_password
from local.errors import StackError
from local.programs import airflow_command
from local.stack import Stack, inherited

STAMP = "migrated.env"
AIRFLOW_VERSION = "AIRFLOW_VERSION"
REVISION = "REVISION"


def prepare(stack: Stack, *, say: Callable[[str], None]) -> None:
    """Make everything ready for the services; doing it again changes nothing."""
    say("waiting for PostgreSQL")
    postgres.wait_ready(stack.server)
    databases.prepare(stack.server.url(), stack.passwords)
    write_airflow_password(stack)
    if not is_migrated(stack):
        say("creating Airflow's tables")
        migrate(stack)


def is_migrated(stack: Stack) -> bool:
    """Tell whether Airflow's tables are those this Airflow made."""
    stamp = stack.layout.airflow / STAMP
    if not stamp.exists():
        return False
    known = envfile.read(stamp)
    return known.get(AIRFLOW_VERSION) == _airflow_version() and known.get(
        REVISION
    ) == find_revision(stack)


def migrate(stack: Stack) -> None:
    """Bring Airflow's tables to this version and remember which that is."""
    log = stack.layout.logs / "airflow-migrate.log"
    environment = {**inherited(), **common_environment(stack), **airflow_environment(stack)}
    with log.open("wb") as output:
        done = subprocess.run(
            airflow_command("db", "migrate"),
            env=environment,
            stdout=output,
            stderr=output,
            check=False,
        )
    if done.returncode:
        raise StackError(f"`airflow db migrate` failed: {_last_line(log)} (all of it: {log})")
    values = {AIRFLOW_VERSION: _airflow_version(), REVISION: find_revision(stack)}
    envfile.write(
        stack.layout.airflow / STAMP, values, comment="Airflow's tables were last migrated to this."
    )


def find_revision(stack: Stack) -> str:
    """Return the migration Airflow's tables are at, empty when there are none."""
    with (
        suppress(psycopg.errors.UndefinedTable),
        psycopg.connect(stack.database_url(AIRFLOW, AIRFLOW)) as connection,
    ):
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return str(row[0]) if row else ""
    return ""


def _airflow_version() -> str:
    return version("apache-airflow-core")


def _last_line(log: Path) -> str:
    return (log.read_text(errors="replace").strip().splitlines() or ["no output"])[-1]
