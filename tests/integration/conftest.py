"""A database with the tables in it, and files to load."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from churn.warehouse.connect import Connection, connect
from churn.warehouse.schema import create_tables
from tests import properties
from tests.command import Churn
from tests.large_file import ROWS
from tests.loading import Write, many_lines

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
    path.write_bytes(many_lines(ROWS, charge="30"))
    return path
