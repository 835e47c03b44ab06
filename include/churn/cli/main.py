"""The command ``churn``: the pipeline's steps without Airflow."""

import logging
import sys
from typing import NoReturn

import click
import psycopg

from churn.cli.alarms import alarms
from churn.cli.keys import keys
from churn.cli.loads import rejected
from churn.cli.models import models
from churn.cli.monitor import monitor
from churn.cli.outcomes import outcomes
from churn.cli.proofs import replay, reproduce
from churn.cli.score import score
from churn.cli.simulate import simulate
from churn.cli.steps import create_tables, decide, load, migrate, publish, run, train
from churn.core.errors import ChurnError, plain_lines
from churn.core.json_output import is_requested, json_option, print_error, print_json
from churn.core.settings import Settings
from churn.core.streams import print_any_text
from churn.customer.data_dictionary import render
from churn.pipeline import erasure
from churn.pipeline.doctor import examine
from churn.warehouse.connect import connect, first_line
from churn.warehouse.loading.source import shown_path


class _PlainFormatter(logging.Formatter):
    """Escapes what would reach the terminal as control characters."""

    def format(self, record: logging.LogRecord) -> str:
        return plain_lines(super().format(record))


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="churn-pipeline")
@click.pass_context
def churn(context: click.Context) -> None:
    """Predict which customers will churn: load, train, decide, publish, score."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_PlainFormatter("%(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    context.obj = Settings.from_environment()


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


_STEPS = (create_tables, migrate, load, train, decide, publish, run)

_WATCHING = (outcomes, monitor, alarms, simulate)

for command in (*_STEPS, rejected, models, reproduce, replay, keys, score, *_WATCHING):
    churn.add_command(command)


@churn.command()
@json_option
@click.pass_obj
def doctor(settings: Settings, as_json: bool) -> None:
    """Check the data folder, the warehouse and the model store, and report what is wrong."""
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
