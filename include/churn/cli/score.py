"""The command that scores a file."""

import os
import stat
import time
from typing import BinaryIO

import click

from churn.core import whole_files
from churn.core.errors import DataQualityError, plain
from churn.core.settings import Settings
from churn.pipeline.score_file import score_file
from churn.registry.live_version import load_served
from churn.registry.store import ModelStore
from churn.warehouse.loading.progress import Progress


@click.command()
@click.argument("source", type=click.File("rb"))
@click.argument("target")
@click.pass_obj
def score(settings: Settings, source: BinaryIO, target: str) -> None:
    """Score a CSV of customers, any columns known, into a CSV ("-" for standard in and out).

    The columns are those of a batch of the service but for prediction_id, as nothing is recorded.
    A row that cannot be read has its reason in the column error; the exit code is 0 all the same.
    An output file is written next to its place and takes it at the end.
    """
    served = load_served(ModelStore(settings.model_store))
    if served.refused:
        click.echo(served.refused, err=True)
    name, started = plain(source.name), time.monotonic()
    with whole_files.output(target, source) as file:
        try:
            progress = Progress(name, size=_size(source))
            done = score_file(served.model, source, file, progress=progress)
        except DataQualityError as error:
            raise DataQualityError(f"{name}: {error}") from None
    speed = (done.scored + done.failed) / max(time.monotonic() - started, 1e-3)
    summary = f"{done.scored:,} scored, {done.failed:,} could not be read; {speed:,.0f} rows/s"
    click.echo(summary, err=True)


def _size(source: BinaryIO) -> int:
    """Return the bytes of a regular file, 0 for a pipe."""
    found = os.fstat(source.fileno())
    return found.st_size if stat.S_ISREG(found.st_mode) else 0
