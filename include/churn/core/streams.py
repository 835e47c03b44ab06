"""The process's standard streams."""

import io
import sys


def print_any_text() -> None:
    """Escape what a terminal's encoding lacks; by default Python raises an error there."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
