"""Installers, run on a terminal where they show their progress, and what they left."""

from __future__ import annotations

import os
import pty
import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")
_DOWNLOADED = re.compile(r"\((\d+)/(\d+)\)")
_INSTALLED = re.compile(r"\[(\d+)/(\d+)\]")
_READ_BYTES = 65_536


@dataclass
class Output:
    """What a command has printed so far."""

    raw: bytearray = field(default_factory=bytearray)

    @property
    def text(self) -> str:
        """The text without the terminal's control sequences."""
        return _CONTROL.sub("", self.raw.decode(errors="replace"))


Progress = Callable[[str], str]


def run(
    command: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    output: Output,
) -> int:
    """Run a command, gather what it prints, and return its exit code."""
    reading, writing = pty.openpty()
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=writing,
            stderr=writing,
        )
    finally:
        os.close(writing)
    with suppress(OSError):  # Linux reports the end of a terminal as an error
        while data := os.read(reading, _READ_BYTES):
            output.raw += data
    os.close(reading)
    return process.wait()


def uv_progress(text: str) -> str:
    """Return how far uv is, by its progress bars: (downloaded/total), then [installed/total]."""
    if all_of_them := re.search(r"\bInstalled (\d+) packages", text):
        return f"all {all_of_them[1]} installed, compiling them"
    for pattern, done in ((_INSTALLED, "installed"), (_DOWNLOADED, "downloaded")):
        if (found := pattern.findall(text)) and found[-1][1] != "0":
            return f"{found[-1][0]} of {found[-1][1]} {done}"
    return "looking the packages up"


def pip_progress(text: str, *, total: int, packages: Path) -> str:
    """Return how far pip is: by its lines while it downloads, then by what is in the folder."""
    if "Installing collected packages" in text:
        done = sum(1 for _ in packages.glob("*.dist-info"))
        return f"{min(done, total)} of {total} installed"
    return f"{text.count('Collecting ')} of {total} downloaded"


def last_line(output: str) -> str:
    """Return the last line that is not blank."""
    lines = (line.strip() for line in reversed(output.splitlines()))
    return next((line for line in lines if line), "no output")


def damaged_packages(environment: Path) -> list[Path]:
    """Return the records of packages of which a whole top-level module is missing."""
    records = environment.glob("lib/python*/site-packages/*.dist-info")
    return [record for record in records if not _is_whole(record)]


def _is_whole(record: Path) -> bool:
    try:
        lines = (record / "RECORD").read_text(encoding="utf-8").splitlines()
    except OSError:
        return False
    files = [line.split(",", 1)[0] for line in lines]
    modules = {name.split("/", 1)[0] for name in files if name.endswith(".py")} - {".."}
    return all((record.parent / module).exists() for module in modules)
