"""The commands on API keys; the service follows the file that they change."""

import fcntl
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import click

from churn.core import api_keys
from churn.core.api_keys import GRACE, Key, Keys, Made, Scope, entry, read_keys, write_keys
from churn.core.json_output import json_option, print_json
from churn.core.settings import Settings


@click.group()
def keys() -> None:
    """Manage the API keys of the service: for predict, outcomes and admin."""


@contextmanager
def _alone(settings: Settings) -> Iterator[Keys]:
    """Let one command at a time change the keys."""
    settings.api_keys_file.parent.mkdir(parents=True, exist_ok=True)
    lock = settings.api_keys_file.with_suffix(".lock")
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield read_keys(settings.api_keys_file)
    finally:
        os.close(descriptor)


def _keep(settings: Settings, made: Made) -> None:
    write_keys(settings.api_keys_file, made.keys)
    click.echo(made.secret)
    click.echo("this is the only time that the key is shown; its hash is kept", err=True)


@keys.command("add")
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice([scope.value for scope in Scope]),
    multiple=True,
    default=[Scope.PREDICT.value],
    show_default=True,
    help="What the key opens; may be given several times.",
)
@click.pass_obj
def add_key(settings: Settings, name: str, scopes: tuple[Scope, ...]) -> None:
    """Make a key for a caller NAME and print it, once."""
    with _alone(settings) as known:
        _keep(settings, api_keys.add(known, name, map(Scope, scopes), _now()))


@keys.command("list")
@click.option("--environment", is_flag=True, help="As the value of CHURN_API_KEYS.")
@json_option
@click.pass_obj
def list_keys(settings: Settings, environment: bool, as_json: bool) -> None:
    """List the keys, without their secrets, which are not stored."""
    now, known = _now(), read_keys(settings.api_keys_file).keys
    if as_json:
        print_json([_without_hash(key, now) for key in known])
        return
    if environment:
        click.echo(",".join(entry(key) for key in known if key.is_live(now)))
        return
    for key in known:
        until = f"until {key.expires_at:%Y-%m-%d %H:%M} UTC" if key.expires_at else "no end"
        state = until if key.is_live(now) else "closed"
        made = f"{key.created_at:%Y-%m-%d %H:%M}"
        click.echo(f"{key.name:<24} {'+'.join(key.scopes):<24} made {made}  {state}")


def _without_hash(key: Key, now: datetime) -> Mapping[str, object]:
    return {
        **{name: value for name, value in asdict(key).items() if name != "sha256"},
        "live": key.is_live(now),
    }


@keys.command()
@click.argument("name")
@click.pass_obj
def revoke(settings: Settings, name: str) -> None:
    """Close the keys of NAME at once."""
    with _alone(settings) as known:
        write_keys(settings.api_keys_file, api_keys.revoke(known, name, _now()))
    click.echo(f"{name} is closed; every worker knows within a second", err=True)


@keys.command()
@click.argument("name")
@click.option(
    "--grace-hours",
    type=click.FloatRange(0, 24 * 366),
    default=GRACE / timedelta(hours=1),
    show_default=True,
    help="How long the former key still opens.",
)
@click.pass_obj
def rotate(settings: Settings, name: str, grace_hours: float) -> None:
    """Make a new key for NAME and print it; the former one opens for a while yet."""
    if math.isnan(grace_hours):  # which a range of click lets through
        raise click.BadParameter("not a number of hours", param_hint="--grace-hours")
    with _alone(settings) as known:
        grace = timedelta(hours=grace_hours)
        _keep(settings, api_keys.rotate(known, name, _now(), grace))


def _now() -> datetime:
    return datetime.now(UTC)
