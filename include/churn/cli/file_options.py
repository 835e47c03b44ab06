"""The options that state how a customer file is read, and what a load may change."""

from collections.abc import Callable, Mapping
from pathlib import Path

import click

from churn.core.errors import shown
from churn.core.settings import Settings
from churn.pipeline import steps
from churn.warehouse.cleaning.gate import LIMIT_REJECTED
from churn.warehouse.loading.dialect import DECIMALS, SEPARATORS, THOUSANDS, mark_named
from churn.warehouse.loading.encoding import ENCODINGS

Command = Callable[..., None]
_SNAPSHOT_HELP = "The day that the file describes. Default: its snapshot_date column or its name."


def located(context: click.Context, _parameter: click.Parameter, value: str) -> Path:
    """Look a name up; an empty one, as of a variable that is not set, would mean this folder."""
    if not value.strip():
        raise click.BadParameter("is empty; name a file, a folder or a glob")
    settings = context.find_object(Settings)
    assert settings  # noqa: S101
    return steps.locate(value, settings.data, here=Path())


def _mark(option: str, marks: Mapping[str, str]) -> Callable[[Command], Command]:
    """Return an option for a mark, by its name or the character itself."""

    def read(_context: click.Context, _parameter: click.Parameter, text: str | None) -> str | None:
        mark = None if text is None else mark_named(text, marks)
        if text is not None and mark is None:
            raise click.BadParameter(f"{shown(text)} is none of {', '.join(marks)}")
        return mark

    note = "Default: detected. The character itself is accepted, too."
    return click.option(option, metavar=f"[{'|'.join(marks)}]", callback=read, help=note)


def format_options(command: Command) -> Command:
    """Add the options that state how a file of text is written."""
    encoding = click.option("--encoding", type=click.Choice(ENCODINGS), help="Default: detected.")
    return encoding(_mark("--separator", SEPARATORS)(command))


def reading_options(command: Command) -> Command:
    """Add the options that state how a file is read and what a load may change."""
    options = (
        format_options,
        _mark("--decimal", DECIMALS),
        _mark("--thousands", THOUSANDS),
        click.option("--snapshot-date", type=click.DateTime(["%Y-%m-%d"]), help=_SNAPSHOT_HELP),
        click.option("--again", is_flag=True, help="Load the file though it was loaded before."),
        click.option("--replace", is_flag=True, help="The file is the whole customer base."),
        click.option(
            "--allow-change",
            is_flag=True,
            help="Load the file though it removes or changes more customers than is usual.",
        ),
        click.option(
            "--limit-rejected",
            type=click.FloatRange(0, 1),
            default=LIMIT_REJECTED,
            show_default=True,
            help="The share of invalid rows from which on the load is refused.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command
