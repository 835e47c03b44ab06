"""The commands that run the pipeline's steps, one by one or all of them."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from churn.cli.file_options import located, reading_options
from churn.cli.models import open_registry
from churn.core.json_output import json_option, print_json
from churn.core.settings import Settings
from churn.pipeline import model_steps, steps
from churn.pipeline.registry_rules import AUTO, read_registry_rules
from churn.registry.store import ModelStore
from churn.training.promotion import Decision
from churn.warehouse import schema
from churn.warehouse.cleaning.gate import Terms
from churn.warehouse.cleaning.load_report import LoadReport
from churn.warehouse.connect import connect
from churn.warehouse.loading.dialect import FormatOptions
from churn.warehouse.loading.load import Reading


@click.command("create-tables")
@click.pass_obj
def create_tables(settings: Settings) -> None:
    """Bring the tables to this release, and drop the months of the log that are not kept."""
    with connect(settings.database_url) as connection:
        steps.create_tables(connection, settings.log)


@click.command()
@json_option
@click.pass_obj
def migrate(settings: Settings, as_json: bool) -> None:
    """Bring the tables to this release; print each change that was applied."""
    with connect(settings.database_url) as connection:
        applied = schema.create_tables(connection)
    if as_json:
        print_json({"applied": applied})
    else:
        click.echo("\n".join(applied) or "the tables are those of this release")


@click.command()
@click.argument("file", callback=located)
@reading_options
@json_option
@click.pass_obj
def load(settings: Settings, /, file: Path, as_json: bool, **options: Any) -> None:
    """Load and clean the customer FILE (or folder, or glob) and print what became of it.

    A relative FILE is looked for in the current directory, then in the data folder.
    """
    with connect(settings.database_url) as connection:
        steps.create_tables(connection, settings.log)
    reports = _load_and_clean(settings, file, options, show=None if as_json else click.echo)
    if as_json:
        print_json(reports)


@click.command()
@json_option
@click.pass_obj
def train(settings: Settings, as_json: bool) -> None:
    """Train on the customers; prints the candidate's version."""
    with connect(settings.database_url) as connection:
        store = ModelStore(settings.model_store)
        version = model_steps.train(connection, store, settings.training)
    print_json({"version": version}) if as_json else click.echo(version)


@click.command()
@click.argument("version")
@click.pass_obj
def publish(settings: Settings, version: str) -> None:
    """Publish a candidate VERSION, regardless of the promotion rule."""
    with open_registry(settings) as registry:
        retention = read_registry_rules(settings.registry).retention
        click.echo(model_steps.publish(registry, version, retention_rule=retention))


@click.command()
@click.argument("version")
@json_option
@click.pass_obj
def decide(settings: Settings, version: str, as_json: bool) -> None:
    """Show whether a candidate VERSION should take over, with the numbers; change nothing."""
    with open_registry(settings) as registry:
        rule = read_registry_rules(settings.registry).promotion
        decision = model_steps.decide(registry, version, rule, dry_run=True)
    print_json(decision) if as_json else click.echo(decision.reason)


@click.command()
@click.argument("file", callback=located)
@reading_options
@click.option("--dry-run", is_flag=True, help="Train, but leave the served model as it is.")
@json_option
@click.pass_obj
def run(settings: Settings, /, file: Path, dry_run: bool, as_json: bool, **options: Any) -> None:
    """Load, clean, train, decide and publish: what the DAG does; prints the live version.

    A relative FILE is looked for in the current directory, then in the data folder.
    """
    store = ModelStore(settings.model_store)
    with _timed("create_tables"), connect(settings.database_url) as connection:
        steps.create_tables(connection, settings.log)
    reports = _load_and_clean(settings, file, options)
    with _timed("train"), connect(settings.database_url) as connection:
        version = model_steps.train(connection, store, settings.training)
    decision = _decided(settings, version, dry_run=dry_run)
    if decision.promote and read_registry_rules(settings.registry).mode == AUTO and not dry_run:
        with _timed("publish"), open_registry(settings) as registry:
            retention = read_registry_rules(settings.registry).retention
            model_steps.publish(registry, version, retention_rule=retention)
    served = version if dry_run else store.current()
    done = {"version": served, "candidate": version, "decision": decision, "loads": reports}
    print_json(done) if as_json else click.echo(served)


def _decided(settings: Settings, version: str, *, dry_run: bool) -> Decision:
    rules = read_registry_rules(settings.registry)
    with _timed("decide"), open_registry(settings) as registry:
        decision = model_steps.decide(registry, version, rules.promotion, dry_run=dry_run)
    if decision.promote and rules.mode != AUTO:
        how = f"churn models promote {version} --reason ..."
        click.echo(f"promotion is manual: `{how}` promotes it", err=True)
    return decision


def _load_and_clean(
    settings: Settings,
    file: Path,
    options: dict[str, Any],
    show: Callable[[str], None] | None = None,
) -> list[LoadReport]:
    marks = (options[name] for name in ("separator", "decimal", "thousands"))
    marks_given = FormatOptions(options["encoding"], *marks)
    day = options["snapshot_date"]
    again = options["again"] or options["replace"]
    reading = Reading(marks_given, day.date() if day else None, again=again)
    with _timed("load_csv"), connect(settings.database_url) as connection:
        load_ids = steps.load_csv(connection, file, reading)
    terms = Terms(
        replace=options["replace"],
        limit_rejected=options["limit_rejected"],
        limit_lost=settings.load.limit_lost,
        allow_change=options["allow_change"],
    )
    with _timed("clean"), connect(settings.database_url) as connection:
        return steps.clean(connection, load_ids, terms, show=show)


@contextmanager
def _timed(step: str) -> Iterator[None]:
    started = time.monotonic()
    click.echo(f"== {step}", err=True)
    yield
    click.echo(f"   {step} took {time.monotonic() - started:.2f} s", err=True)
