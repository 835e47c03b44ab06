"""The container's init script makes the roles and databases of the Docker-free stack."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from local import postgres
from local.containers import PROJECT
from local.databases import AIRFLOW, CHURN_DATABASE, PIPELINE, SERVING
from local.network import HOST, free_port
from local.postgres import Server

SCRIPT = PROJECT / "docker" / "postgres" / "10-databases.sh"
PASSWORDS = {
    "AIRFLOW_DB_PASSWORD": f"of-{AIRFLOW}",
    "CHURN_PIPELINE_PASSWORD": f"of-{PIPELINE}",
    "CHURN_SERVING_PASSWORD": f"of-{SERVING}",
}
DATABASES = (AIRFLOW, CHURN_DATABASE, "postgres", "template1")


def address(server: Server) -> dict[str, str]:
    path = f"{server.binaries}{os.pathsep}{os.environ['PATH']}"
    port = str(server.port)
    return {"PATH": path, "PGHOST": HOST, "PGPORT": port, "PGPASSWORD": server.password}


def run_script(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/bash", str(SCRIPT)], env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder: Path = tmp_path_factory.mktemp("roles")
    new = postgres.server(data=folder / "data", port=free_port(), password="root", durable=False)
    if not (new.binaries / "psql").exists():
        pytest.skip("SKIPPED OUT LOUD: this PostgreSQL has no psql")
    with postgres.running(new):
        done = run_script({**os.environ, **address(new), **PASSWORDS})
        assert done.returncode == 0, done.stderr
        yield new


def test_the_script_is_executable_or_the_image_would_read_it_into_its_own_shell() -> None:
    assert os.access(SCRIPT, os.X_OK)


@pytest.mark.parametrize("missing", sorted(PASSWORDS))
def test_the_script_names_the_password_it_lacks_and_makes_nothing(missing: str) -> None:
    refused = run_script({**os.environ, **PASSWORDS, missing: ""})
    assert refused.returncode != 0
    assert missing in refused.stderr


@pytest.mark.parametrize(
    ("role", "allowed"),
    [(AIRFLOW, {AIRFLOW}), (PIPELINE, {CHURN_DATABASE}), (SERVING, {CHURN_DATABASE})],
)
def test_a_role_enters_its_own_database_and_no_other(
    server: Server, role: str, allowed: set[str]
) -> None:
    def enters(database: str) -> bool:
        try:
            psycopg.connect(server.url(database, role=role, password=f"of-{role}")).close()
        except psycopg.OperationalError:
            return False
        return True

    assert {database for database in DATABASES if enters(database)} == allowed


def test_the_service_may_create_nothing_in_the_churn_database(server: Server) -> None:
    url = server.url(CHURN_DATABASE, role=SERVING, password=f"of-{SERVING}")
    with psycopg.connect(url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("CREATE TABLE mine (a int)")


def test_the_pipeline_may_create_its_tables(server: Server) -> None:
    url = server.url(CHURN_DATABASE, role=PIPELINE, password=f"of-{PIPELINE}")
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE mine (a int)")
        connection.rollback()
