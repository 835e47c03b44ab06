"""Loads an HTTP server over keep-alive connections, and measures; a program of its own.

``python -m benchmarks.http_load`` reads a ``Plan`` as JSON and prints a ``Load``. It is a closed
loop: each connection sends its next request when the last one is answered. Every answer is read in
full, and its status counted.
"""

import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from benchmarks.cores import LOAD, pin
from local.network import HOST

_END = b"\r\n\r\n"
_LENGTH = b"content-length:"


@dataclass(frozen=True)
class Plan:
    """Which requests to send, over how many connections and for how long."""

    port: int
    path: str
    bodies: Sequence[str]
    connections: int = 16
    seconds: float = 2.0
    headers: Sequence[str] = ("Content-Type: application/json",)


@dataclass(frozen=True)
class Load:
    """What came of it: requests per second, and milliseconds for each share of them.

    ``slots`` has the 99th percentile of each second since ``started`` (seconds since 1970);
    ``sample`` is the last answer of the first connection.
    """

    per_second: float
    p50: float
    p99: float
    worst: float
    statuses: dict[str, int] = field(default_factory=dict)
    slots: Sequence[float] = ()
    started: float = 0.0
    sample: str = ""

    @property
    def failed(self) -> int:
        """How many requests were not answered with 200."""
        return sum(count for status, count in self.statuses.items() if status != "200")


def load(plan: Plan) -> Load:
    """Carry out a plan in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.http_load"]
    done = subprocess.run(
        command,
        input=json.dumps(asdict(plan)),
        capture_output=True,
        check=False,
        text=True,
        timeout=300,
    )
    if done.returncode:
        raise RuntimeError(f"the load ended with {done.returncode}: {done.stderr[-500:]}")
    return Load(**json.loads(done.stdout))


class _Connection(asyncio.Protocol):
    def __init__(self, requests: Sequence[bytes], number: int) -> None:
        self._requests, self._next = requests, number
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.seconds: list[float] = []
        self.moments: list[float] = []
        self.statuses: Counter[str] = Counter()
        self.sample = b""
        self._answer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.WriteTransport = transport  # type: ignore[assignment]

    def start(self, until: float) -> None:
        """Send the first request, and go on until then."""
        self._until = until
        self._send()

    def _send(self) -> None:
        self._next = (self._next + 1) % len(self._requests)
        self._sent = time.perf_counter()
        self._transport.write(self._requests[self._next])

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head = self._answer.find(_END)
        if head < 0 or len(self._answer) < head + len(_END) + _length(self._answer[:head]):
            return
        now = time.perf_counter()
        self.seconds.append(now - self._sent)
        self.moments.append(now)
        self.statuses[self._answer[9:12].decode()] += 1
        self.sample, self._answer = self._answer[head + len(_END) :], b""
        if now < self._until:
            self._send()
        else:
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if self._answer or error:
            self.statuses[f"lost: {error}"] += 1
        self.finished.set_result(None)


def _length(head: bytes) -> int:
    lower = head.lower()
    place = lower.find(_LENGTH)
    return int(lower[place + len(_LENGTH) :].split(b"\r", 1)[0]) if place >= 0 else 0


async def _carry_out(plan: Plan) -> Load:
    requests = [_request(plan, body.encode()) for body in plan.bodies]
    loop = asyncio.get_running_loop()
    connections: list[_Connection] = []
    for number in range(plan.connections):
        connection = _Connection(requests, number * len(requests) // plan.connections)
        await loop.create_connection(lambda c=connection: c, HOST, plan.port)  # type: ignore[misc]
        connections.append(connection)
    started = time.perf_counter()
    for connection in connections:
        connection.start(started + plan.seconds)
    await asyncio.wait([c.finished for c in connections], timeout=plan.seconds + 60)
    return _summed(connections, started)


def _request(plan: Plan, body: bytes) -> bytes:
    lines = (
        f"POST {plan.path} HTTP/1.1",
        f"Host: {HOST}:{plan.port}",
        *plan.headers,
        f"Content-Length: {len(body)}",
    )
    return "\r\n".join(lines).encode() + _END + body


def _summed(connections: Sequence[_Connection], started: float) -> Load:
    seconds = time.perf_counter() - started
    every = [1_000 * s for connection in connections for s in connection.seconds]
    statuses: Counter[str] = sum((c.statuses for c in connections), Counter())
    slots: dict[int, list[float]] = defaultdict(list)
    for connection in connections:
        for moment, took in zip(connection.moments, connection.seconds, strict=True):
            slots[int(moment - started)].append(1_000 * took)
    return Load(
        len(every) / seconds,
        _percentile(every, 50),
        _percentile(every, 99),
        max(every, default=0.0),
        dict(statuses),
        [_percentile(slots[second], 99) for second in range(int(seconds))],
        time.time() - seconds,
        connections[0].sample.decode(),
    )


def _percentile(values: Sequence[float], share: int) -> float:
    return statistics.quantiles(values, n=100)[share - 1] if len(values) > 1 else 0.0


def main() -> None:
    """Carry out the plan on standard input."""
    plan = Plan(**json.loads(sys.stdin.read()))
    pin(LOAD)
    import uvloop

    json.dump(asdict(uvloop.run(_carry_out(plan))), sys.stdout)


if __name__ == "__main__":
    main()
