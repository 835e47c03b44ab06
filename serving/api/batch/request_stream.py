"""Reads the body of a request in pieces."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from starlette.types import Receive

_PIECE_BYTES: Final = 1 << 20
_PAUSE_SECONDS: Final = 0.05


async def pieces(receive: Receive, seconds: float) -> AsyncIterator[tuple[bytes, bool]]:
    """Yield the body in pieces, each with whether it is the last.

    A piece is large, or all that has arrived when the stream pauses.

    Raises:
        TimeoutError: nothing arrived for ``seconds``.
    """
    held = bytearray()
    more = True
    incoming = asyncio.ensure_future(receive())
    try:
        while more:
            done, _ = await asyncio.wait({incoming}, timeout=_PAUSE_SECONDS if held else seconds)
            if not done and not held:
                raise TimeoutError
            if done:
                message = incoming.result()
                if message["type"] == "http.disconnect":
                    return
                more = message.get("more_body", False)
                held += message.get("body", b"")
                incoming = asyncio.ensure_future(receive()) if more else incoming
            if not done or not more or len(held) >= _PIECE_BYTES:
                yield bytes(held), not more
                held.clear()
    finally:
        incoming.cancel()
