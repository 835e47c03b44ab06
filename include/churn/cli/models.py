"""The commands on published models: look, change what serves, audit."""

import getpass
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final

import click

from churn.core.errors import ChurnError
from churn.core.json_output import json_option, print_json
from churn.core.settings import Settings
from churn.pipeline.registry_rules import read_registry_rules
from churn.registry import audit, events
from churn.registry.events import CHANGES_SERVED, Event
from churn.registry.listing import list_versions
from churn.registry.model_registry import ModelRegistry, current_or_none
from churn.registry.store import CARD, ModelStore
from churn.warehouse.connect import connect

_REASON_HELP: Final = "Why; it is recorded."
_Command = Callable[..., None]


@contextmanager
def open_registry(settings: Settings) -> Iterator[ModelRegistry]:
    """Open the warehouse and the store in the name of who runs the command."""
    with connect(settings.database_url) as connection:
        yield ModelRegistry(connection, ModelStore(settings.model_store), who())


def who() -> str:
    """Return the name of who runs the command, for records."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        name = f"uid {os.getuid()}"
    return f"{name}@{socket.gethostname()}, by command"


def _reason(command: _Command) -> _Command:
    return click.option("--reason", required=True, help=_REASON_HELP)(command)


@click.group()
def models() -> None:
    """Look at the published models, and change which one serves."""


@models.command("list")
@json_option
@click.pass_obj
def list_models(settings: Settings, as_json: bool) -> None:
    """List every published version; the live one has a star."""
    store = ModelStore(settings.model_store)
    found = list(list_versions(store, current=current_or_none(store)))
    if as_json:
        print_json(found)
    for one in () if as_json else found:
        click.echo(one)


@models.command("show")
@click.argument("version", required=False)
@json_option
@click.pass_obj
def show_model(settings: Settings, version: str | None, as_json: bool) -> None:
    """Print the card of a VERSION (a candidate, too), or of the live one."""
    store = ModelStore(settings.model_store)
    content = store.read(version or store.current())
    if as_json:
        print_json(content.manifest.model_dump(mode="json"))
    else:
        click.echo(content.files[CARD].decode())


@models.command("promote")
@click.argument("version")
@_reason
@click.pass_obj
def promote(settings: Settings, version: str, reason: str) -> None:
    """Promote a published VERSION, or a candidate, regardless of the promotion rule."""
    with open_registry(settings) as registry:
        click.echo(_line_or_unchanged(registry.promote(version, reason), version))


@models.command("rollback")
@click.option("--to", metavar="VERSION", help="Default: the version that served before.")
@_reason
@click.pass_obj
def roll_back(settings: Settings, to: str | None, reason: str) -> None:
    """Return to an earlier version; the same model is not promoted automatically after that."""
    with open_registry(settings) as registry:
        click.echo(_line_or_unchanged(registry.roll_back(reason, to=to), to or ""))


@models.command("pin")
@click.argument("version")
@_reason
@click.pass_obj
def pin(settings: Settings, version: str, reason: str) -> None:
    """Never remove a VERSION."""
    with open_registry(settings) as registry:
        click.echo(_line(registry.pin(version, reason)))


@models.command("unpin")
@click.argument("version")
@_reason
@click.pass_obj
def unpin(settings: Settings, version: str, reason: str) -> None:
    """Let retention remove a VERSION when its time comes."""
    with open_registry(settings) as registry:
        click.echo(_line(registry.unpin(version, reason)))


@models.command("retire")
@click.pass_obj
def retire(settings: Settings) -> None:
    """Remove the versions that the retention rule (CHURN_KEEP_...) does not keep."""
    with open_registry(settings) as registry:
        for version in registry.retire(read_registry_rules(settings.registry).retention):
            click.echo(f"removed {version}")


@models.command("events")
@json_option
@click.pass_obj
def list_events(settings: Settings, as_json: bool) -> None:
    """Print every decision and every change, oldest first."""
    with connect(settings.database_url) as connection:
        found = events.read_events(connection)
        if as_json:
            print_json(list(found))
        for event in () if as_json else found:
            click.echo(_line(event))


@models.command("at")
@click.argument("moment")
@json_option
@click.pass_obj
def at(settings: Settings, moment: str, as_json: bool) -> None:
    """Show the live version at a MOMENT such as 2026-11-17T03:12Z, who promoted it, and why."""
    requested = _moment(moment)
    with connect(settings.database_url) as connection:
        event = events.served_at(connection, requested)
    if event is None:
        raise ChurnError(f"nothing served yet at {requested:%Y-%m-%d %H:%M:%S} UTC, by the record")
    if as_json:
        print_json(event)
        return
    click.echo(f"{event.version} served at {requested:%Y-%m-%d %H:%M:%S} UTC")
    click.echo(_line(event))


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ChurnError(f"{text!r} is not a moment such as 2026-11-17T03:12Z") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


@models.command("verify")
@json_option
@click.pass_obj
def verify(settings: Settings, as_json: bool) -> None:
    """Recompute the record's hashes; name the first event that is not as it was."""
    with connect(settings.database_url) as connection:
        found = audit.audit(connection, ModelStore(settings.model_store))
    if not as_json:
        click.echo(f"{found.events} events hold")
    if found.trouble:
        raise ChurnError(found.trouble)
    if as_json:
        print_json({"events": found.events})


def _line_or_unchanged(event: Event | None, version: str) -> str:
    return _line(event) if event else f"{version} is the live version already; nothing was changed"


def _line(event: Event) -> str:
    after = f" after {event.former}" if event.former and event.kind in CHANGES_SERVED else ""
    moment = f"{event.effective_at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
    what = f"{event.event_id}  {moment}  {event.kind}  {event.version}{after}"
    return f"{what}  by {event.actor} as {event.database_role}: {event.reason}"
