"""The command ``churn simulate``."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import click

from churn.core.errors import ChurnError
from churn.core.json_output import json_option, print_json
from churn.core.settings import Settings
from churn.pipeline.simulation import simulate as simulation
from churn.pipeline.simulation.plan import Plan, parse_shift
from churn.warehouse.connect import connect

_DAY = click.DateTime(["%Y-%m-%d"])
_REMEDY = "make another one live with `churn models rollback` or `promote`"


@click.command()
@click.option("--days", type=click.IntRange(35, 720), default=120, show_default=True)
@click.option("--until", type=_DAY, help="The day after the last one. Default: today.")
@click.option("--customers", type=click.IntRange(500, 50_000), default=2_000, show_default=True)
@click.option("--seed", type=click.IntRange(1, 9_999), default=1, show_default=True)
@click.option(
    "--ageing",
    type=click.FloatRange(-3, 3),
    default=0.0,
    show_default=True,
    help="By how much the log-odds of churn rise over the whole time without the model knowing.",
)
@click.option(
    "--shift",
    "shifts",
    multiple=True,
    help='A sudden change, such as "internet_service=Fiber optic:0.1@2026-10-01", '
    '"monthly_charges*1.15@2026-10-01" or "tenure+6@-21" (21 days before the end); repeatable.',
)
@click.option("--remove", "is_removal", is_flag=True, help="Remove every row of all simulations.")
@json_option
@click.pass_obj
def simulate(settings: Settings, /, is_removal: bool, as_json: bool, **options: Any) -> None:
    """Fill a stack with simulated months: customers, predictions, contacts, outcomes, reports.

    The customers of the shipped sample are replaced by simulated ones, whose ids begin with SIM-,
    until --remove brings them back. A warehouse with a company's own customers is refused.
    """
    with connect(settings.database_url) as connection:
        if is_removal:
            removed = simulation.remove(connection)
        else:
            wrote = simulation.simulate(connection, settings, _plan(**options))
    if as_json:
        print_json(removed if is_removal else wrote)
    elif is_removal:
        click.echo(f"removed {_listed(removed.rows)}")
        for version in removed.versions:
            click.echo(f"{version} was trained with simulated customers; {_REMEDY}", err=True)
    else:
        click.echo(f"wrote {_listed(wrote)}")


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.items()) or "nothing"


def _plan(*, until: datetime | None, days: int, shifts: tuple[str, ...], **numbers: Any) -> Plan:
    today = datetime.now(UTC).date()
    end: date = until.date() if until else today
    if end > today:
        raise ChurnError(f"--until {end} is in the future")
    changes = tuple(parse_shift(text, end) for text in shifts)
    return Plan(start=end - timedelta(days=days), end=end, shifts=changes, **numbers)
