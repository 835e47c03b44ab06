"""The command ``churn rejected``: rows that were not accepted, to be read and repaired."""

import io
import sys
from pathlib import Path
from typing import Final

import click

from churn.core import whole_files
from churn.core.errors import ChurnError, plain
from churn.core.settings import Settings
from churn.warehouse.cleaning.rejected import (
    Rejected,
    RejectingLoad,
    find_rejecting,
    read_rejected,
    write_rejected,
)
from churn.warehouse.connect import Connection, connect

_LONGEST: Final = 300
_STANDARD_OUTPUT: Final = "-"


@click.command()
@click.argument("load", type=int, required=False)
@click.option("--output", metavar="FILE", help="Write the rows as CSV into a new FILE, or to -.")
@click.pass_obj
def rejected(settings: Settings, load: int | None, output: str | None) -> None:
    """List the rejected rows of a LOAD with their reasons; without LOAD, of the last that has any.

    With --output they become a CSV file to be repaired and loaded again: the header and separator
    of the file, and the reasons in a first column, which loading leaves out.
    """
    with connect(settings.database_url) as connection:
        found = find_rejecting(connection, load)
        click.echo(
            f"load {found.load_id}: {found.rejected:,} rejected rows of {found.file}",
            err=bool(output),
        )
        if output:
            _write(connection, found, output)
        else:
            for row in read_rejected(connection, found):
                click.echo(_listed(row))


def _listed(row: Rejected) -> str:
    reasons, raw = (plain(text, _LONGEST) for text in ("; ".join(row.reasons), row.raw))
    return f"  line {row.line:<6}{reasons}\n{'':13}{raw}"


def _write(connection: Connection, load: RejectingLoad, output: str) -> None:
    if output == _STANDARD_OUTPUT:
        written = write_rejected(connection, load, sys.stdout)
    else:
        written = _write_new(connection, load, Path(output))
    day = f" --snapshot-date {load.day}" if load.day else ""
    click.echo(
        f"{written:,} rows written; repair them and load them with `churn load {output}{day}`",
        err=True,
    )
    if left := load.rejected - written:
        click.echo(f"{left:,} left out: their customer was accepted from another row", err=True)


def _write_new(connection: Connection, load: RejectingLoad, path: Path) -> int:
    """Write a new file; one that is there may hold repairs.

    Raises:
        ChurnError: the file is there already, or cannot be written.
    """
    if path.exists():
        raise ChurnError(f"{path} is there already; name another file")
    try:
        with whole_files.replacing(path) as file:
            text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
            written = write_rejected(connection, load, text)
            text.detach()
    except OSError as error:
        raise ChurnError(f"{path} cannot be written: {error.strerror}") from error
    return written
