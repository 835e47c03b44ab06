"""Long steps that say what they are doing, and for how long."""

import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

BEAT_SECONDS = 15.0
TAIL_LINES = 30


class StepError(Exception):
    """A step that failed, with the end of what it printed."""


def _to_stdout(line: str) -> None:
    sys.stdout.write(line)
    sys.stdout.flush()


@dataclass(frozen=True)
class Progress:
    """Lines with the seconds since the start."""

    write: Callable[[str], None] = _to_stdout
    started: float = field(default_factory=time.monotonic)

    def say(self, text: str) -> None:
        """Print one line."""
        self.write(f"[{time.monotonic() - self.started:6.1f} s] {text}\n")

    def run(
        self,
        what: str,
        command: Sequence[str],
        *,
        log: Path,
        environment: Mapping[str, str] | None = None,
    ) -> float:
        """Run a command to its end, telling now and then that it goes on; return its seconds.

        Raises:
            StepError: it failed; what it wrote is in the log.
        """
        self.say(what)
        begun = time.monotonic()
        with log.open("ab") as output:
            process = subprocess.Popen(
                command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, env=environment
            )
            try:
                self._wait(process, what)
            finally:
                _end(process)
        if process.returncode:
            raise StepError(f"{what} failed ({process.returncode}):\n{tail(log)}")
        return time.monotonic() - begun

    def _wait(self, process: subprocess.Popen[bytes], what: str) -> None:
        while process.poll() is None:
            try:
                process.wait(BEAT_SECONDS)
            except subprocess.TimeoutExpired:
                self.say(f"... still {what}")


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        process.wait(BEAT_SECONDS)


def tail(log: Path) -> str:
    """Return the last lines of a log."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-TAIL_LINES:])
