"""The command ``churn monitor``."""

from dataclasses import replace
from datetime import UTC, datetime

import click

from churn.cli.models import who
from churn.core.json_output import json_option, print_json
from churn.core.settings import Settings
from churn.pipeline.monitor import monitor as run_monitor
from churn.pipeline.monitor import roll_back_if_worse
from churn.registry.model_registry import ModelRegistry
from churn.registry.store import ModelStore
from churn.warehouse.connect import connect

_DAY = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.option(
    "--as-of", type=_DAY, help="Judge what was known at this day's first moment. Default: now."
)
@click.option("--window", type=click.IntRange(1, 366), help="Days of a window. Default: 7.")
@json_option
@click.pass_obj
def monitor(settings: Settings, as_of: datetime | None, window: int | None, as_json: bool) -> None:
    """Compare the predictions with training and with their outcomes; open and close alarms."""
    store, options = ModelStore(settings.model_store), settings.monitor
    if window:
        options = replace(options, window_days=window)
    moment = as_of.replace(tzinfo=UTC) if as_of else None
    with connect(settings.database_url) as connection:
        report = run_monitor(connection, store, options, as_of=moment)
        registry = ModelRegistry(connection, store, who())
        if not as_of and (former := roll_back_if_worse(registry, report, options)):
            click.echo(f"{report.version} was rolled back to {former}", err=True)
    print_json(report) if as_json else click.echo(report.text())
