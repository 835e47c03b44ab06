"""The body of a request, in pieces."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from starlette.types import Receive

_PIECE_BYTES: Final = 1 << 20
_PAUSE_SECONDS: Final = 0.05


async def pieces(receive: Receive, seconds: float) -> AsyncIterator[tuple[bytes, bool]]:
    """Yield the body in large pieces, or what there is when it pauses; whether it is the last.

    Raises:
        TimeoutError: nothing came for too long.
    """
    held = bytearray()
    more = True
    coming = asyncio.ensure_future(receive())
    try:
        while more:
            done, _ = await asyncio.wait({coming}, timeout=_PAUSE_SECONDS if held else seconds)
            if not done and not held:
                raise TimeoutError
            if done:
                message = coming.result()
                if message["type"] == "http.disconnect":
                    return
                more = message.get("more_body", False)
                held += message.get("body", b"")
                coming = asyncio.ensure_future(receive()) if more else coming
            if not done or not more or len(held) >= _PIECE_BYTES:
                yield bytes(held), not more
                held.clear()
    finally:
        coming.cancel()
