"""Lines that show the operator what is happening and for how long."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

BEAT_SECONDS = 5.0
PAUSE_SECONDS = 0.25


@dataclass
class Console:
    """Prints steps; while it is beating, what is awaited is shown at least every five seconds."""

    started: float = field(default_factory=time.monotonic)
    _awaited: Callable[[], str] = str
    _since: float = 0.0
    _shown: float = 0.0

    def say(self, text: str, *, awaited: str | Callable[[], str] | None = None) -> None:
        """Print one step with the seconds since the start.

        ``awaited`` is what goes on afterwards: the step itself unless given, nothing if empty.
        """
        after = text.strip() if awaited is None else awaited
        self._awaited = after if callable(after) else lambda: after
        self._since = self._shown = time.monotonic()
        self._line(text)

    def show(self, text: str = "") -> None:
        """Print a line as it is."""
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    @contextmanager
    def beating(self) -> Iterator[None]:
        """For the length of a block, show what is awaited when nothing else was printed."""
        done = threading.Event()
        beat = threading.Thread(target=self._beat, args=(done,), daemon=True)
        beat.start()
        try:
            yield
        finally:
            done.set()
            beat.join()

    def _beat(self, done: threading.Event) -> None:
        while not done.wait(PAUSE_SECONDS):
            now = time.monotonic()
            if now - self._shown >= BEAT_SECONDS - PAUSE_SECONDS and (awaited := self._awaited()):
                self._shown = now
                self._line(f"... {awaited} ({now - self._since:.0f} s)")

    def _line(self, text: str) -> None:
        self.show(f"[{time.monotonic() - self.started:5.1f} s] {text}")
