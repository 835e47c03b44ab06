"""Where a task meets the world: the warehouse, the model store, the data folder."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from churn.core.log_options import LogOptions
    from churn.core.settings import Settings
    from churn.core.training_options import TrainingOptions
    from churn.registry.store import ModelStore
    from churn.warehouse.connect import Connection

WAREHOUSE_CONNECTION_ID: Final = "churn_warehouse"


@contextmanager
def warehouse() -> Iterator[Connection]:
    """Open the Airflow connection ``churn_warehouse``; the block is one transaction."""
    import psycopg
    from airflow.providers.postgres.hooks.postgres import PostgresHook

    from churn.warehouse.connect import message_of

    try:
        with PostgresHook(WAREHOUSE_CONNECTION_ID).get_conn() as connection:
            yield connection
    except psycopg.Error as error:
        error.args = (message_of(error),)  # its detail would bring rows into the task's log
        raise


def model_store() -> ModelStore:
    """Return the shared model store."""
    from churn.core.settings import Settings
    from churn.registry.store import ModelStore

    return ModelStore(Settings.from_environment().model_store)


def log_options() -> LogOptions:
    """Return how the log of predictions is kept, by the environment."""
    from churn.core.settings import Settings

    return Settings.from_environment().log


def training_options() -> TrainingOptions:
    """Return how a model is trained and decided upon, by the environment."""
    from churn.core.settings import Settings

    return Settings.from_environment().training


def settings() -> Settings:
    """Return the settings of this process's environment."""
    from churn.core.settings import Settings

    return Settings.from_environment()
