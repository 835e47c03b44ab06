"""How much of the bodies of requests a worker holds at once."""

import asyncio
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from serving.api.problems import ProblemError

_MOST_HELD: Final = 1 << 27
_WRITERS: Final = 2


@dataclass
class Bodies:
    """The bytes of whole bodies in memory; ``recording`` bounds the recordings at once."""

    held: int = 0
    recording: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_WRITERS))

    def hold(self, size: int) -> None:
        """Count more bytes.

        Raises:
            ProblemError: there are too many.
        """
        if self.held + size > _MOST_HELD:
            detail = "this worker receives too much at once already; try again in a moment"
            status, headers = HTTPStatus.SERVICE_UNAVAILABLE, {"Retry-After": "1"}
            raise ProblemError(status, detail, headers=headers)
        self.held += size
