"""The command ``churn``: the pipeline's steps without Airflow."""

import csv
import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn, TextIO

import click
import psycopg

from churn import steps
from churn.batch import score_file
from churn.data_dictionary import render
from churn.doctor import examine
from churn.errors import ChurnError, DataQualityError
from churn.registry.store import CARD, ModelStore, read_version
from churn.scoring import load_model
from churn.settings import Settings
from churn.warehouse.connect import Connection, connect


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="churn-pipeline")
@click.pass_context
def churn(context: click.Context) -> None:
    """Predict which customers will leave: load, clean, train, publish, score."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    context.obj = Settings.from_environment()


@contextmanager
def _warehouse(settings: Settings) -> Iterator[Connection]:
    with connect(settings.database_url) as connection:
        yield connection


@churn.command("create-tables")
@click.pass_obj
def create_tables(settings: Settings) -> None:
    """Create the tables that are missing."""
    with _warehouse(settings) as connection:
        steps.create_tables(connection)


@churn.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_obj
def load(settings: Settings, file: Path) -> None:
    """Copy the customer FILE into a staging table; prints the load's number."""
    with _warehouse(settings) as connection:
        steps.create_tables(connection)
        click.echo(steps.load_csv(connection, file))


@churn.command()
@click.argument("load_id", type=int)
@click.option("--replace", is_flag=True, help="The file is the whole customer base.")
@click.pass_obj
def clean(settings: Settings, load_id: int, replace: bool) -> None:
    """Merge a load's valid rows into the customers."""
    with _warehouse(settings) as connection:
        steps.clean(connection, load_id, replace=replace)


@churn.command()
@click.pass_obj
def train(settings: Settings) -> None:
    """Train on the customers; prints the candidate's version."""
    with _warehouse(settings) as connection:
        click.echo(steps.train(connection, ModelStore(settings.model_store)))


@churn.command()
@click.argument("version")
@click.pass_obj
def publish(settings: Settings, version: str) -> None:
    """Put a candidate VERSION in use."""
    with _warehouse(settings) as connection:
        click.echo(steps.publish(connection, ModelStore(settings.model_store), version))


@churn.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--replace", is_flag=True, help="The file is the whole customer base.")
@click.option("--dry-run", is_flag=True, help="Train, but leave the served model as it is.")
@click.pass_obj
def run(settings: Settings, file: Path, replace: bool, dry_run: bool) -> None:
    """Load, clean, train and publish the customer FILE: what the DAG does, in one process."""
    store = ModelStore(settings.model_store)
    with _timed("create_tables"), _warehouse(settings) as connection:
        steps.create_tables(connection)
    with _timed("load_csv"), _warehouse(settings) as connection:
        load_id = steps.load_csv(connection, file)
    with _timed("clean"), _warehouse(settings) as connection:
        steps.clean(connection, load_id, replace=replace)
    with _timed("train"), _warehouse(settings) as connection:
        version = steps.train(connection, store)
    if not dry_run:
        with _timed("publish"), _warehouse(settings) as connection:
            steps.publish(connection, store, version)
    click.echo(version)


@contextmanager
def _timed(step: str) -> Iterator[None]:
    started = time.monotonic()
    click.echo(f"== {step}", err=True)
    yield
    click.echo(f"   {step} took {time.monotonic() - started:.2f} s", err=True)


@churn.command()
@click.argument("source", type=click.File("r", encoding="utf-8-sig"))
@click.argument("target", type=click.File("w", encoding="utf-8", lazy=True))
@click.pass_obj
def score(settings: Settings, source: TextIO, target: TextIO) -> None:
    """Score a CSV of customers, any columns known, into a CSV ("-" for standard in and out)."""
    store = ModelStore(settings.model_store)
    model = load_model(store.published(store.current()))
    try:
        done = score_file(model, csv.DictReader(source), target)
    except UnicodeDecodeError as error:
        raise DataQualityError(f"{source.name}: is not UTF-8 ({error.reason})") from None
    click.echo(f"{done.scored} scored, {done.failed} could not be read", err=True)


@churn.group()
def models() -> None:
    """Look at the published models."""


@models.command("list")
@click.pass_obj
def list_models(settings: Settings) -> None:
    """List every published version; the one in use has a star."""
    store = ModelStore(settings.model_store)
    versions = store.versions()
    current = store.current() if versions else ""
    for version in versions:
        manifest = read_version(store.published(version)).manifest
        measured = manifest.cross_validation
        star = "*" if version == current else " "
        figures = f"AUC {measured['roc_auc'].mean:.4f}  log-loss {measured['log_loss'].mean:.4f}"
        click.echo(f"{star} {version}  {figures}  {manifest.trained_on.customers:,} customers")


@models.command("show")
@click.argument("version", required=False)
@click.pass_obj
def show_model(settings: Settings, version: str | None) -> None:
    """Print the card of a VERSION, or of the one in use."""
    store = ModelStore(settings.model_store)
    content = read_version(store.published(version or store.current()))
    click.echo(content.files[CARD].decode())


@churn.command()
@click.pass_obj
def doctor(settings: Settings) -> None:
    """Look at the data folder, the warehouse and the model store, and say what is wrong."""
    findings = list(examine(settings))
    for finding in findings:
        mark = "ok     " if finding.is_well else "TROUBLE"
        click.echo(f"{mark} {finding.subject}: {finding.told}")
    if not all(finding.is_well for finding in findings):
        sys.exit(1)


@churn.command("data-dictionary")
def data_dictionary() -> None:
    """Print the data dictionary (data/data_dictionary.md)."""
    click.echo(render(), nl=False)


def main() -> None:
    """Run the command; an expected error is one line on standard error and exit code 1."""
    try:
        churn()
    except (ChurnError, OSError) as error:
        _fail(str(error))
    except psycopg.errors.UndefinedTable as error:
        _fail(f"{_first_line(error)}; create the tables with `churn create-tables`")
    except psycopg.Error as error:
        _fail(f"PostgreSQL: {_first_line(error)}")


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _fail(reason: str) -> NoReturn:
    click.echo(f"churn: {reason}", err=True)
    sys.exit(1)
