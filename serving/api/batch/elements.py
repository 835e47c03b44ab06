"""Cuts a stream of bytes that is a JSON array into its elements."""

import re
from collections.abc import Iterator
from typing import Final

from churn.pipeline.batch.rows import Unreadable

_SPACE: Final = b" \t\r\n"
_MARK: Final = b"\xef\xbb\xbf"
_TEXT: Final = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)
_SIGN: Final = re.compile(rb'["\[\]{},]')
_FLAT: Final = re.compile(
    rb'[ \t\r\n]*+(\{(?:[^"{}\[\]\\]++|"(?:[^"\\]++|\\.)*+")*+\})[ \t\r\n]*+([,\]])', re.DOTALL
)
"""An object without others in it, and what follows it: nearly every element."""


class Elements:
    """Keeps what is left of an incomplete element; an element has at most so many bytes.

    An element is what stands between two commas, JSON or not. Where the stream is cut into pieces
    changes nothing of what comes out.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._rest = b""
        self._seen = 0
        """So much of the rest was looked at; ``_depth`` and ``_in_text`` are what was found."""
        self._depth = 0
        self._in_text = False
        self._is_cut = False
        """Whether the incomplete element is too long already: its beginning is not kept."""
        self._is_open = self._is_closed = False
        self._is_first = True

    def cut(self, piece: bytes, *, last: bool) -> Iterator[bytes | None]:
        """Yield elements, and None for each that is too long.

        Raises:
            Unreadable: what comes is no array, or the array ends before its end.
        """
        content = self._rest + piece
        place = 0 if self._is_open else self._opened(content)
        while self._is_open and not self._is_closed:
            begin = place
            end = self._end(content, begin)
            if end is None:
                break
            place = end + 1
            self._is_closed = content[end:place] == b"]"
            yield from self._element(content[begin:end])
        self._keep(content[place:])
        if last and not self._is_closed:
            raise Unreadable("the JSON array is not closed")

    def _opened(self, content: bytes) -> int:
        begin = len(_MARK) if content.startswith(_MARK) else 0
        text = content[begin:].lstrip(_SPACE)
        if text and not _MARK.startswith(text):
            if not text.startswith(b"["):
                raise Unreadable("this is no JSON array of objects: it does not begin with [")
            self._is_open = True
            return len(content) - len(text) + 1
        return 0

    def _end(self, content: bytes, begin: int) -> int | None:
        """Return where the sign after an element is."""
        is_begun = self._seen or self._is_cut
        if not is_begun and (flat := _FLAT.match(content, begin)):
            return flat.start(2)
        place = begin + self._seen
        while True:
            if self._in_text:
                place = _TEXT.match(content, place).end()  # type: ignore[union-attr]
                if content[place : place + 1] != b'"':
                    break
                self._in_text = False
                place += 1
            found = _SIGN.search(content, place)
            if found is None:
                place = len(content)
                break
            if self._ends_here(found[0]):
                return found.start()
            place = found.end()
        self._seen = place - begin
        return None

    def _ends_here(self, sign: bytes) -> bool:
        if sign == b'"':
            self._in_text = True
        elif sign in b"[{":
            self._depth += 1
        elif self._depth == 0:
            return sign != b"}"
        elif sign != b",":
            self._depth -= 1
        return False

    def _element(self, raw: bytes) -> Iterator[bytes | None]:
        element = raw.strip(_SPACE)
        is_none = self._is_first and self._is_closed and not element and not self._is_cut
        if not is_none:
            yield None if self._is_cut or len(element) > self._most else element
        self._is_first = self._is_cut = False
        self._seen = 0

    def _keep(self, rest: bytes) -> None:
        """Keep what is not complete: nothing after the array, no spaces, no end of a long one."""
        if self._is_closed and rest.strip(_SPACE):
            raise Unreadable("something follows the JSON array")
        kept = rest.lstrip(_SPACE)
        self._seen = max(self._seen - (len(rest) - len(kept)), 0)
        may_end = not (self._depth or self._in_text)
        if may_end and len(kept) > self._most:
            kept = kept.rstrip(_SPACE) + b" "
            self._seen = len(kept)
        if len(kept) > self._most + may_end:
            self._is_cut = True
            kept, self._seen = kept[self._seen :], 0
        self._rest = kept
