"""Lines that tell the operator what is happening and for how long."""

import sys
import time
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Console:
    """A clock and a voice."""

    started: float = field(default_factory=time.monotonic)

    def say(self, text: str) -> None:
        """Print one step with the seconds since the start."""
        self.show(f"[{time.monotonic() - self.started:5.1f} s] {text}")

    def show(self, text: str = "") -> None:
        """Print a line as it is."""
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
