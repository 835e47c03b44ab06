"""The commands on alarms: look, acknowledge, silence, and test the messages."""

import sys
from datetime import UTC, datetime

import click

from churn.cli.models import who
from churn.core.errors import ChurnError, plain
from churn.core.json_output import json_option, print_json
from churn.core.settings import Settings
from churn.monitoring import incidents, messages
from churn.monitoring.alarm import AlarmKind
from churn.monitoring.incidents import Incident, shown
from churn.pipeline import alerting
from churn.warehouse.connect import connect

_KIND = click.Choice([kind.value for kind in AlarmKind])


@click.group()
def alarms() -> None:
    """Look at the alarms of monitoring, acknowledge and silence them, test the messages."""


@alarms.command("list")
@click.option("--all", "show_all", is_flag=True, help="Also those that are closed.")
@json_option
@click.pass_obj
def list_alarms(settings: Settings, show_all: bool, as_json: bool) -> None:
    """List the open alarms, the newest first."""
    with connect(settings.database_url) as connection:
        found = incidents.read_incidents(connection, open_only=not show_all)
    if as_json:
        print_json(found)
        return
    for one in found:
        click.echo(_listed(one))
    if not found:
        click.echo("no alarm was ever found" if show_all else "no alarm is open", err=True)


def _listed(one: Incident) -> str:
    when = f"since {shown(one.opened_at)}"
    if one.closed_at:
        when = f"from {shown(one.opened_at)} to {shown(one.closed_at)}"
    states = [when]
    if one.acknowledged_at:
        note = f": {one.note}" if one.note else ""
        states.append(
            f"acknowledged by {one.acknowledged_by} at {shown(one.acknowledged_at)}{note}"
        )
    if one.silenced_until:
        states.append(f"silenced until {shown(one.silenced_until)}")
    if one.escalated_at:
        states.append(f"escalated at {shown(one.escalated_at)}")
    lines = [f"{one.alarm_id}  {one.kind}, {plain(one.subject)}  {'; '.join(states)}", one.sentence]
    return "\n    ".join([*lines, *filter(None, [messages.figures(one)])])


@alarms.command()
@click.argument("alarm_id", type=click.IntRange(1, 2**63 - 1), metavar="ID")
@click.option("--note", default="", help="What is done about it; it is recorded.")
@json_option
@click.pass_obj
def acknowledge(settings: Settings, alarm_id: int, note: str, as_json: bool) -> None:
    """Record that you take care of the alarm ID; it is not escalated then."""
    with connect(settings.database_url) as connection:
        done = incidents.acknowledge(connection, alarm_id, who(), note)
    print_json(done) if as_json else click.echo(_listed(done))


@alarms.command()
@click.argument("kind", type=_KIND)
@click.argument("subject", required=False)
@click.option("--until", required=True, help="A day or moment, such as 2026-12-24 or ...T08:00Z.")
@json_option
@click.pass_obj
def silence(settings: Settings, kind: str, subject: str | None, until: str, as_json: bool) -> None:
    """Send no messages about alarms of a KIND, or about a SUBJECT of it, until a day (UTC).

    The alarms are found and listed all the same. What is open then is reported then.
    """
    moment = _moment(until)
    with connect(settings.database_url) as connection:
        incidents.silence(connection, moment, who(), kind=AlarmKind(kind), subject=subject)
    if as_json:
        print_json({"kind": kind, "subject": subject, "silenced_until": moment})
    else:
        about = kind if subject is None else f"{kind}, {plain(subject)}"
        click.echo(f"no messages about {about} until {shown(moment)}")


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise ChurnError(
            f"{plain(text)!r} is not a day or a moment such as 2026-12-24 or 2026-12-24T08:00Z"
        ) from None


@alarms.command()
@json_option
@click.pass_obj
def test(settings: Settings, as_json: bool) -> None:
    """Send a test message to every service; exit 1 unless each took it."""
    done = alerting.send_test(settings.alerts)
    if not done:
        raise ChurnError("no address is set; CHURN_ALERT_URLS has where messages go")
    if as_json:
        print_json(done)
    for one in () if as_json else done:
        mark = "took the message" if one.is_sent else f"TROUBLE: {one.trouble}"
        click.echo(f"{one.service}: {mark}")
    sys.exit(0 if all(one.is_sent for one in done) else 1)
