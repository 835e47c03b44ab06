"""Sends the response of a batch while its request is still read."""

import asyncio
import tempfile
from pathlib import Path
from typing import IO, Final

from starlette.types import Message, Send

_MOST_HELD: Final = 4 << 20
_PART_BYTES: Final = 1 << 20


class ResponseStream:
    """A response that never makes the reading of the request wait.

    A client may send its whole request before it reads the response. Until then the response
    waits, first in memory and then in an unnamed temporary file.
    """

    def __init__(self, start: Message, send: Send, *, folder: Path, seconds: float) -> None:
        self._start: Message | None = start
        self._send = send
        self._folder = folder
        self._seconds = seconds
        self._waiting: asyncio.Queue[bytes] = asyncio.Queue()
        self._held = 0
        self._file: IO[bytes] | None = None
        self._sender: asyncio.Task[None] | None = None

    async def put(self, content: bytes) -> None:
        """Add a part of the response."""
        if not content:
            return
        if self._sender is None:
            self._sender = asyncio.create_task(self._drain())
        if self._sender.done():
            self._sender.result()
        if self._file is not None or self._held > _MOST_HELD:
            await asyncio.to_thread(self._write_to_file, content)
            return
        self._held += len(content)
        self._waiting.put_nowait(content)
        await asyncio.sleep(0)

    async def finish(self) -> None:
        """Send everything that waits, and end the response.

        Raises:
            TimeoutError: the client receives nothing.
        """
        self._waiting.put_nowait(b"")
        if self._sender is None:
            self._sender = asyncio.create_task(self._drain())
        await self._wait_for(self._sender)
        if self._file is not None:
            self._file.seek(0)
            while part := await asyncio.to_thread(self._file.read, _PART_BYTES):
                async with asyncio.timeout(self._seconds):
                    await self._send_body(part)
        await self._send({"type": "http.response.body", "body": b""})

    def close(self) -> None:
        """Release the file and the sending task."""
        if self._sender is not None:
            self._sender.cancel()
        if self._file is not None:
            self._file.close()

    async def _wait_for(self, sender: asyncio.Task[None]) -> None:
        """Wait for the sending task, as long as the client receives something in each interval."""
        while not sender.done():
            before = self._held
            await asyncio.wait({sender}, timeout=self._seconds)
            if not sender.done() and self._held == before:
                raise TimeoutError
        sender.result()

    async def _drain(self) -> None:
        while content := await self._waiting.get():
            await self._send_body(content)
            self._held -= len(content)

    async def _send_body(self, content: bytes) -> None:
        if self._start is not None:
            start, self._start = self._start, None
            await self._send(start)
        await self._send({"type": "http.response.body", "body": content, "more_body": True})

    def _write_to_file(self, content: bytes) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115
        self._file.write(content)
