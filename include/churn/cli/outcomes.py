"""The commands on outcomes: what became of predictions and customers."""

import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from churn.cli.file_options import format_options
from churn.core.errors import InvalidOutcomeError, plain
from churn.core.json_output import json_option, print_json
from churn.core.settings import Settings
from churn.pipeline.outcomes.load_file import Loaded, load_outcomes
from churn.pipeline.outcomes.readers import Row
from churn.warehouse.connect import connect
from churn.warehouse.loading.dialect import FormatOptions
from churn.warehouse.outcomes.coverage import count_outcomes
from churn.warehouse.schema import require_current

_MOST_LISTED: Final = 1_000


@click.group()
def outcomes() -> None:
    """Record what became of predictions and customers, and count it."""


class _Rejected:
    """Lists rejected rows, of very many only the first."""

    def __init__(self, *, show: bool) -> None:
        self._show = show
        self.listed: list[Mapping[str, object]] = []

    def add(self, row: Row) -> None:
        if len(self.listed) == _MOST_LISTED:
            return
        reason = str(row.found) if isinstance(row.found, InvalidOutcomeError) else ""
        self.listed.append({"line": row.line, "reason": reason})
        if self._show:
            click.echo(f"  line {row.line:<6}{plain(reason)}", err=True)


@outcomes.command("load")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@format_options
@json_option
@click.pass_obj
def load(
    settings: Settings, file: Path, as_json: bool, encoding: str | None, separator: str | None
) -> None:
    """Record the outcomes of FILE: CSV with a header, NDJSON or a JSON array, plain or packed.

    The columns are prediction_id, customer_id, churned, observed_at, recorded_at and contacted.
    Rows that cannot be read are listed with their lines, and the others are recorded; the exit
    code is then 1. A file can be loaded again: an outcome that is known stays one.
    """
    rejected, started = _Rejected(show=not as_json), time.monotonic()
    with connect(settings.database_url) as connection:
        require_current(connection)
        form = FormatOptions(encoding, separator)
        done = load_outcomes(connection, file, form, reject=rejected.add)
    if as_json:
        print_json({**vars(done.counts), "rejected": done.rejected, "rows": rejected.listed})
    else:
        _show(done, rejected, seconds=time.monotonic() - started)
    if done.rejected:
        sys.exit(1)


def _show(done: Loaded, rejected: _Rejected, *, seconds: float) -> None:
    if left := done.rejected - len(rejected.listed):
        click.echo(f"  and {left:,} more", err=True)
    if done.ignored:
        click.echo(f"columns that were not read: {plain(', '.join(done.ignored))}", err=True)
    counts = done.counts
    erased = f", {counts.erased:,} of erased customers left out" if counts.erased else ""
    rows = counts.recorded + counts.known + counts.erased + done.rejected
    click.echo(
        f"{counts.recorded:,} recorded, {counts.known:,} known already{erased}, "
        f"{done.rejected:,} rejected; {rows / max(seconds, 1e-3):,.0f} rows/s"
    )


@outcomes.command("count")
@json_option
@click.pass_obj
def count(settings: Settings, as_json: bool) -> None:
    """Count outcomes by source, and the predictions that they label."""
    with connect(settings.database_url) as connection:
        require_current(connection)
        maturity = settings.outcomes.maturity
        found = count_outcomes(connection, as_of=datetime.now(UTC), maturity=maturity)
    if as_json:
        print_json(found)
        return
    for source, number in found.outcomes.items():
        click.echo(f"{number:>12,} outcomes by {source}")
    click.echo(f"{found.unknown_predictions:>12,} outcomes of predictions that are not in the log")
    click.echo(f"{found.unknown_customers:>12,} outcomes of customers without a prediction")
    click.echo(
        f"{found.labelled:>12,} of {found.predictions:,} predictions have a label"
        f" ({found.coverage:.1%}), {found.churned:,} of them churned"
    )
