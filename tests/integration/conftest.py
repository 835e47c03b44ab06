"""A database with the tables in it, files to load, and an installation with a model."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from churn.core.settings import Settings
from churn.warehouse.connect import Connection, connect
from churn.warehouse.schema import create_tables
from local import databases
from local.databases import PIPELINE, SERVING, Database
from local.postgres import Server
from tests import properties
from tests.command import Churn
from tests.customer_file import FEW, read_rows
from tests.large_file import ROWS
from tests.loading import Write, csv_text, many_lines

properties.load()


@pytest.fixture
def url(database_url: str) -> str:
    """A database with the tables and nothing in them."""
    with connect(database_url) as connection:
        create_tables(connection)
    return database_url


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    """A look at what was committed."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a customer file."""

    def write(content: str | bytes, name: str = "customers.csv") -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


@pytest.fixture
def churn(tmp_path: Path, database_url: str) -> Churn:
    """An installation with an empty database and nothing published."""
    return Churn(tmp_path, database_url)


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that takes long enough to have a middle."""
    path = tmp_path_factory.mktemp("large") / "large.csv"
    path.write_bytes(many_lines(ROWS, charge="20"))
    return path


@pytest.fixture(scope="session")
def dearer(large: Path) -> Path:
    """The same customers, who all pay more."""
    path = large.with_name("dearer.csv")
    path.write_bytes(many_lines(ROWS, charge="21"))
    return path


@dataclass(frozen=True)
class Installation:
    """A database and a model store in which a version was trained and serves."""

    database: str
    store: Path
    version: str


@pytest.fixture(scope="session")
def trained_once(
    postgres_server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """An installation that `churn run` made of the first customers; tests get copies of it."""
    home, name = tmp_path_factory.mktemp("trained"), "churn_trained"
    file = home / "few.csv"
    file.write_text(csv_text(read_rows()[:FEW]), encoding="utf-8")
    with psycopg.connect(postgres_server.url(), autocommit=True) as connection:
        databases.create_database(connection, Database(name=name, owner=PIPELINE))
        churn = Churn(home, postgres_server.url(name, role=PIPELINE))
        finished = churn("run", file)
        assert finished.returncode == 0, finished.stderr
        yield Installation(name, churn.store.path, finished.stdout.strip())
        databases.drop_database(connection, name)


@pytest.fixture
def made(
    trained_once: Installation, postgres_server: Server, database_name: str, tmp_path: Path
) -> str:
    """A version that serves in the test's installation, trained on customers of its database."""
    copy = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(
        *map(sql.Identifier, (database_name, PIPELINE, trained_once.database))
    )
    with psycopg.connect(postgres_server.url(), autocommit=True) as connection:
        databases.drop_database(connection, database_name)
        connection.execute(copy)
        databases.create_database(
            connection, Database(name=database_name, owner=PIPELINE, guests=(SERVING,))
        )
    shutil.copytree(trained_once.store, tmp_path / "models")
    return trained_once.version


@pytest.fixture
def sample_settings(made: str, tmp_path: Path, database_url: str) -> Settings:
    """The settings of an installation with a model and, as far as it knows, the shipped sample."""
    assert made
    with connect(database_url) as connection:
        connection.execute("UPDATE loads SET is_sample = true")
    data = Path(__file__).parents[2] / "data"
    return Settings(database_url, tmp_path / "models", data, tmp_path / "spool")


@pytest.fixture
def sample_connection(sample_settings: Settings) -> Iterator[Connection]:
    """A connection to the database of that installation."""
    with connect(sample_settings.database_url) as connection:
        yield connection
