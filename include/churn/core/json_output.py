"""What commands print for scripts: one JSON document on standard output."""

import json
import sys
from typing import Any

import click
import msgspec

from churn.core.errors import plain_lines

_FLAG = "--json"

json_option = click.option(
    _FLAG, "as_json", is_flag=True, help="Print JSON on standard output, and an error so, too."
)


def print_json(value: Any) -> None:
    """Print dataclasses, mappings and what is in them; in ASCII, as any terminal can show it."""
    plain = msgspec.json.decode(msgspec.json.encode(value, enc_hook=_plain))  # NaN is null
    click.echo(json.dumps(plain, indent=2))


def _plain(value: Any) -> Any:
    """Return a number or an array of NumPy as Python has it."""
    return value.tolist() if hasattr(value, "tolist") else float(value)


def print_error(reason: str) -> None:
    """Print why a command fails, where JSON was requested."""
    if is_requested():
        print_json({"error": plain_lines(reason)})


def is_requested() -> bool:
    """Whether the command line requests JSON, also where the command could not be read."""
    return _FLAG in sys.argv[1:]
