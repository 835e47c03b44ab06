"""Logs the progress of a long load every other second."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Final

_SECONDS: Final = 2.0

log = logging.getLogger(__name__)


@contextmanager
def phase(load_id: int, rows: int, done: str) -> Iterator[None]:
    """Log, at its end, how long a phase of a load took."""
    started = time.monotonic()
    yield
    seconds = max(time.monotonic() - started, 1e-3)
    speed = f"{rows / seconds:,.0f}"
    log.info("load %s: %s rows %s, %s rows/s", load_id, f"{rows:,}", done, speed)


class Progress:
    """Counts lines and bytes, and logs them."""

    def __init__(
        self, name: str, *, size: int = 0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._name = name
        self._size = size
        self._clock = clock
        self._started = self._logged = clock()
        self._bytes = 0
        self._ends = 0
        self._returns = 0
        self._last = b""

    @property
    def lines(self) -> int:
        """How many lines there were, the last one with or without an end."""
        whole = self._ends or self._returns
        return whole + (self._last not in (b"", b"\n", b"\r"))

    def watched(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the chunks, counting."""
        for chunk in chunks:
            if chunk:
                self._bytes += len(chunk)
                self._ends += chunk.count(b"\n")
                self._returns += chunk.count(b"\r") if not self._ends else 0
                self._last = chunk[-1:]
            yield chunk
            if self._clock() - self._logged >= _SECONDS:
                self.log()

    def log(self) -> None:
        """Log the number of rows, and rows per second."""
        self._logged = self._clock()
        seconds = max(self._logged - self._started, 1e-3)
        log.info(
            "%s: %s rows, %.0f MB%s; %s rows/s, %.0f MB/s",
            self._name,
            f"{self.lines:,}",
            self._bytes / 1e6,
            f" ({self._bytes / self._size:.0%})" if self._size else "",
            f"{self.lines / seconds:,.0f}",
            self._bytes / 1e6 / seconds,
        )
