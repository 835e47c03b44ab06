"""The command ``churn``: the pipeline's steps without Airflow."""

import logging
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import click
import psycopg

from churn.cli.keys import keys
from churn.cli.loads import rejected
from churn.cli.models import models, operating
from churn.cli.proofs import replay, reproduce
from churn.cli.score import score
from churn.core.errors import ChurnError, plain_lines, shown
from churn.core.json_output import is_requested, json_option, print_error, print_json
from churn.core.settings import Settings
from churn.core.streams import print_any_text
from churn.customer.data_dictionary import render
from churn.pipeline import erasure, steps
from churn.pipeline.doctor import examine
from churn.pipeline.rules import AUTO, read_rules
from churn.registry.store import ModelStore
from churn.training.promotion import Decision
from churn.warehouse import schema
from churn.warehouse.cleaning.gate import LIMIT_REJECTED, Terms
from churn.warehouse.cleaning.load_report import LoadReport
from churn.warehouse.connect import connect, first_line
from churn.warehouse.loading.dialect import (
    DECIMALS,
    SEPARATORS,
    THOUSANDS,
    FormatOptions,
    mark_named,
)
from churn.warehouse.loading.encoding import ENCODINGS
from churn.warehouse.loading.load import Reading
from churn.warehouse.loading.source import shown_path

Command = Callable[..., None]
log = logging.getLogger(__name__)
_SNAPSHOT_HELP = "The day that the file speaks of. Default: its snapshot_date column or its name."


class _PlainFormatter(logging.Formatter):
    """Escapes what would reach the terminal as control characters."""

    def format(self, record: logging.LogRecord) -> str:
        return plain_lines(super().format(record))


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="churn-pipeline")
@click.pass_context
def churn(context: click.Context) -> None:
    """Predict which customers will leave: load, train, decide, publish, score."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_PlainFormatter("%(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    context.obj = Settings.from_environment()


@churn.command("create-tables")
@click.pass_obj
def create_tables(settings: Settings) -> None:
    """Bring the tables to this release, and drop the months of the log that are not kept."""
    with connect(settings.database_url) as connection:
        steps.create_tables(connection, settings.log)


@churn.command()
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


def _named(context: click.Context, _parameter: click.Parameter, value: str) -> Path:
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

    told = "Default: detected. The character itself is taken, too."
    return click.option(option, metavar=f"[{'|'.join(marks)}]", callback=read, help=told)


def _reading_options(command: Command) -> Command:
    """Add the options that say how a file is to be read, and what may become of it."""
    options = (
        click.option("--encoding", type=click.Choice(ENCODINGS), help="Default: detected."),
        _mark("--separator", SEPARATORS),
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


@churn.command()
@click.argument("file", callback=_named)
@_reading_options
@json_option
@click.pass_obj
def load(settings: Settings, /, file: Path, as_json: bool, **options: Any) -> None:
    """Load and clean the customer FILE (or folder, or glob) and print what became of it.

    A relative FILE is looked for in the current directory, then in the data folder.
    """
    with connect(settings.database_url) as connection:
        steps.create_tables(connection, settings.log)
    reports = _load_and_clean(settings, file, options, tell=None if as_json else click.echo)
    if as_json:
        print_json(reports)


def _load_and_clean(
    settings: Settings,
    file: Path,
    options: dict[str, Any],
    tell: Callable[[str], None] | None = None,
) -> list[LoadReport]:
    marks = (options[name] for name in ("separator", "decimal", "thousands"))
    asked = FormatOptions(options["encoding"], *marks)
    day = options["snapshot_date"]
    again = options["again"] or options["replace"]
    reading = Reading(asked, day.date() if day else None, again=again)
    with _timed("load_csv"), connect(settings.database_url) as connection:
        load_ids = steps.load_csv(connection, file, reading)
    terms = Terms(
        replace=options["replace"],
        limit_rejected=options["limit_rejected"],
        limit_lost=settings.load.limit_lost,
        allow_change=options["allow_change"],
    )
    with _timed("clean"), connect(settings.database_url) as connection:
        return steps.clean(connection, load_ids, terms, tell=tell)


@churn.command()
@json_option
@click.pass_obj
def train(settings: Settings, as_json: bool) -> None:
    """Train on the customers; prints the candidate's version."""
    with connect(settings.database_url) as connection:
        store = ModelStore(settings.model_store)
        version = steps.train(connection, store, settings.training)
    print_json({"version": version}) if as_json else click.echo(version)


@churn.command()
@click.argument("version")
@click.pass_obj
def publish(settings: Settings, version: str) -> None:
    """Put a candidate VERSION in use, whatever the promotion rule says."""
    with operating(settings) as operator:
        retention = read_rules(settings.registry).retention
        click.echo(steps.publish(operator, version, retention_rule=retention))


@churn.command()
@click.argument("version")
@json_option
@click.pass_obj
def decide(settings: Settings, version: str, as_json: bool) -> None:
    """Say whether a candidate VERSION should take over, with the numbers; change nothing."""
    with operating(settings) as operator:
        rule = read_rules(settings.registry).promotion
        decision = steps.decide(operator, version, rule, dry_run=True)
    print_json(decision) if as_json else click.echo(decision.reason)


@churn.command()
@click.argument("file", callback=_named)
@_reading_options
@click.option("--dry-run", is_flag=True, help="Train, but leave the served model as it is.")
@json_option
@click.pass_obj
def run(settings: Settings, /, file: Path, dry_run: bool, as_json: bool, **options: Any) -> None:
    """Load, clean, train, decide and publish: what the DAG does; prints the version in use.

    A relative FILE is looked for in the current directory, then in the data folder.
    """
    store = ModelStore(settings.model_store)
    with _timed("create_tables"), connect(settings.database_url) as connection:
        steps.create_tables(connection, settings.log)
    reports = _load_and_clean(settings, file, options)
    with _timed("train"), connect(settings.database_url) as connection:
        version = steps.train(connection, store, settings.training)
    decision = _decided(settings, version, dry_run=dry_run)
    if decision.promote and read_rules(settings.registry).mode == AUTO and not dry_run:
        with _timed("publish"), operating(settings) as operator:
            retention = read_rules(settings.registry).retention
            steps.publish(operator, version, retention_rule=retention)
    served = version if dry_run else store.current()
    done = {"version": served, "candidate": version, "decision": decision, "loads": reports}
    print_json(done) if as_json else click.echo(served)


def _decided(settings: Settings, version: str, *, dry_run: bool) -> Decision:
    rules = read_rules(settings.registry)
    with _timed("decide"), operating(settings) as operator:
        decision = steps.decide(operator, version, rules.promotion, dry_run=dry_run)
    if decision.promote and rules.mode != AUTO:
        how = f"churn models promote {version} --reason ..."
        click.echo(f"promotion is manual: `{how}` puts it in use", err=True)
    return decision


@contextmanager
def _timed(step: str) -> Iterator[None]:
    started = time.monotonic()
    click.echo(f"== {step}", err=True)
    yield
    click.echo(f"   {step} took {time.monotonic() - started:.2f} s", err=True)


@churn.command()
@click.argument("customer_id")
@click.pass_obj
def erase(settings: Settings, customer_id: str) -> None:
    """Remove every trace of a customer, by CUSTOMER_ID; name the models trained with it."""
    with connect(settings.database_url) as connection:
        click.echo(erasure.erase(connection, customer_id, settings.spool))
    for path in erasure.files_that_name(settings.data, customer_id.strip()):
        click.echo(
            f"{shown_path(path)} still names the customer, and would bring it back", err=True
        )


for command in (rejected, models, reproduce, replay, keys, score):
    churn.add_command(command)


@churn.command()
@json_option
@click.pass_obj
def doctor(settings: Settings, as_json: bool) -> None:
    """Look at the data folder, the warehouse and the model store, and say what is wrong."""
    findings = list(examine(settings))
    if as_json:
        print_json(findings)
    for finding in () if as_json else findings:
        mark = "ok     " if finding.ok else "TROUBLE"
        click.echo(f"{mark} {finding.subject}: {finding.detail}")
    if not all(finding.ok for finding in findings):
        sys.exit(1)


@churn.command("data-dictionary")
def data_dictionary() -> None:
    """Print the data dictionary (data/data_dictionary.md)."""
    click.echo(render(), nl=False)


def main() -> None:
    """Run the command; an expected error is one line on standard error and exit code 1."""
    print_any_text()
    try:
        churn(standalone_mode=not is_requested())
    except click.ClickException as error:  # a wrong command line
        error.show()
        print_error(error.format_message())
        sys.exit(error.exit_code)
    except click.Abort:
        _fail("interrupted")
    except (ChurnError, OSError) as error:
        _fail(str(error))
    except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn) as error:
        _fail(f"{first_line(error)}; bring the tables to this release with `churn migrate`")
    except psycopg.Error as error:
        hint = f" ({error.diag.message_hint})" if error.diag.message_hint else ""
        _fail(f"PostgreSQL: {first_line(error)}{hint}")


def _fail(reason: str) -> NoReturn:
    click.echo(f"churn: {plain_lines(reason)}", err=True)
    print_error(reason)
    sys.exit(1)
