"""The service in process, over a real model store."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from churn.core.settings import Settings
from churn.registry.store import ModelStore
from serving.api.app import create_app
from tests import properties
from tests.customer_file import package

properties.load()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A service without a database, whose predictions wait in the spool."""
    return Settings("", tmp_path / "models", tmp_path / "data", tmp_path / "spool")


@pytest.fixture
def empty_store(settings: Settings) -> ModelStore:
    """The service's model store, with nothing published."""
    return ModelStore(settings.model_store)


@pytest.fixture
def store(empty_store: ModelStore) -> ModelStore:
    """The service's model store, with one version in use."""
    publish(empty_store, 1)
    return empty_store


@pytest.fixture
def client(settings: Settings, store: ModelStore) -> Iterator[TestClient]:
    """A running service with a model."""
    assert store.current()
    with running(settings) as client:
        yield client


@contextmanager
def running(settings: Settings) -> Iterator[TestClient]:
    """Run the service; a bug in it is an answer with status 500, as it would be for a caller."""
    app = create_app(settings)
    with TestClient(
        app,
        base_url="http://127.0.0.1",
        raise_server_exceptions=False,
        client=("127.0.0.1", 50_000),
    ) as client:
        yield client


def publish(store: ModelStore, day: int) -> str:
    """Publish the version of a day and return its name."""
    version = package(day).manifest.version
    store.write_candidate(package(day).manifest, package(day).files)
    store.publish(version)
    return version


def eventually(condition: Callable[[], bool], *, seconds: float) -> bool:
    """Return whether the condition came true in time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.05)
    return condition()
