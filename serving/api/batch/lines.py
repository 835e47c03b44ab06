"""Cuts a stream of bytes into whole lines."""

from collections.abc import Iterator


class Lines:
    """Keeps what is left of a line that is not complete; a line has at most so many bytes."""

    def __init__(self, most: int) -> None:
        self._rest = b""
        self._most = most

    def cut(self, piece: bytes, *, last: bool, quotes: bool) -> Iterator[bytes]:
        """Yield whole lines; with quotes a line's end within a pair of them is none.

        What begins with a quote that is never closed, or is too long, is cut after its first line.
        """
        content = self._rest + piece
        while content:
            ends_well = last and not (quotes and content.count(b'"') % 2)
            end = len(content) if ends_well else _last_end(content, quotes=quotes)
            if not end and not last and len(content) <= self._most:
                break
            end = end or content.find(b"\n") + 1 or len(content)
            yield content[:end]
            content = content[end:]
        self._rest = content


def _last_end(content: bytes, *, quotes: bool) -> int:
    end = content.rfind(b"\n") + 1
    if not quotes or b'"' not in content:
        return end
    inside = content.count(b'"', 0, end) % 2
    while end and inside:
        earlier = content.rfind(b"\n", 0, end - 1) + 1
        inside ^= content.count(b'"', earlier, end) % 2
        end = earlier
    return end
