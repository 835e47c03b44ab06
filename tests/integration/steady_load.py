"""A steady load of requests that stops by itself, and what was answered when."""

import threading
import time
from dataclasses import dataclass, field

from local.summary import FIRST_CUSTOMER
from local.web import call

PAUSE_SECONDS = 0.01
LONGEST_SECONDS = 120.0


@dataclass(frozen=True)
class Answered:
    """One request: when it was answered, with which status and by which version."""

    at: float
    status: int
    version: str


@dataclass
class SteadyLoad:
    """Sends predictions from a few threads for as long as the block lasts."""

    port: int
    threads: int = 4
    token: str | None = None
    answered: list[Answered] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _senders: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> "SteadyLoad":
        self._senders = [threading.Thread(target=self._send) for _ in range(self.threads)]
        for sender in self._senders:
            sender.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for sender in self._senders:
            sender.join()

    def _send(self) -> None:
        deadline = time.time() + LONGEST_SECONDS
        while not self._stop.is_set() and time.time() < deadline:
            answer = call(self.port, "/predict", body=FIRST_CUSTOMER, token=self.token)
            self.answered.append(
                Answered(time.time(), answer.status, answer.body.text("model_version"))
            )
            time.sleep(PAUSE_SECONDS)
