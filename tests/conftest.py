"""A real PostgreSQL for every test that asks for one."""

import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from local import databases, postgres
from local.databases import PIPELINE, SERVING, Database
from local.network import free_port
from local.postgres import Server

PASSWORD = secrets.token_urlsafe(12)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """One server for the whole run, in a folder of its own."""
    folder = Path(tempfile.mkdtemp(prefix="churn-"))
    server = postgres.server(
        data=folder / "data", port=free_port(), password=PASSWORD, durable=False
    )
    try:
        with postgres.running(server):
            databases.prepare(server.url(), {PIPELINE: PASSWORD, SERVING: PASSWORD}, ())
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def database_name(postgres_server: Server) -> Iterator[str]:
    """Name an empty database that lives as long as one test."""
    name = f"churn_{secrets.token_hex(6)}"
    with psycopg.connect(postgres_server.url(), autocommit=True) as connection:
        databases.create_database(
            connection, Database(name=name, owner=PIPELINE, guests=(SERVING,))
        )
        yield name
        databases.drop_database(connection, name)


@pytest.fixture
def database_url(postgres_server: Server, database_name: str) -> str:
    """Address the test's database as the pipeline, its owner."""
    return postgres_server.url(database_name, role=PIPELINE, password=PASSWORD)


@pytest.fixture
def serving_url(postgres_server: Server, database_name: str) -> str:
    """Address the test's database as the service."""
    return postgres_server.url(database_name, role=SERVING, password=PASSWORD)
