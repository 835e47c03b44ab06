"""The commands that prove a version or an answer by making it again."""

import sys

import click

from churn.core.settings import Settings
from churn.pipeline import replay as replaying
from churn.pipeline import reproduction
from churn.registry import ledger
from churn.registry.store import ModelStore
from churn.warehouse.connect import connect


@click.command()
@click.argument("version")
@click.pass_obj
def reproduce(settings: Settings, version: str) -> None:
    """Train a VERSION again from its recorded data and settings; exit 1 if it is another model."""
    store = ModelStore(settings.model_store)
    with connect(settings.database_url) as connection:
        is_here = store.has(version)
        read = store.read(version).manifest if is_here else None
        manifest = read or ledger.manifest_of(connection, version)
        connection.rollback()
        done = reproduction.reproduce(connection, manifest)
    click.echo(done)
    sys.exit(0 if done.is_same else 1)


@click.command()
@click.argument("prediction_id")
@click.pass_obj
def replay(settings: Settings, prediction_id: str) -> None:
    """Score a logged prediction again by the version that served it; exit 1 if it differs."""
    with connect(settings.database_url) as connection:
        done = replaying.replay(connection, ModelStore(settings.model_store), prediction_id)
    click.echo(done)
    sys.exit(0 if done.is_same else 1)
