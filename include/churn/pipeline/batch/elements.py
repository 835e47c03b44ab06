"""Cuts a stream of bytes that is a JSON array into its elements."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from churn.pipeline.batch.rows import Unreadable

_SPACE: Final = b" \t\r\n"
_MARK: Final = b"\xef\xbb\xbf"
_TEXT: Final = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)
_SIGN: Final = re.compile(rb'["\[\]{},]')
_FLAT: Final = re.compile(
    rb'[ \t\r\n]*+(\{(?:[^"{}\[\]\\]++|"(?:[^"\\]++|\\.)*+")*+\})[ \t\r\n]*+([,\]])', re.DOTALL
)
"""An object without objects or arrays in it, and the sign after it: nearly every element."""


@dataclass
class Scan:
    """How far the incomplete element was scanned, and what is open there."""

    seen: int = 0
    depth: int = 0
    in_text: bool = False

    def end(self, content: bytes, begin: int) -> int | None:
        """Return where the sign after the element is, which starts at ``begin``, if it is there."""
        place = begin + self.seen
        while place < len(content):
            if self.in_text:
                place = _TEXT.match(content, place).end()  # type: ignore[union-attr]
                if not content.startswith(b'"', place):
                    break
            found = _SIGN.search(content, place)
            if found is None:
                place = len(content)
                break
            if self._is_end(found[0]):
                return found.start()
            place = found.end()
        self.seen = place - begin
        return None

    def _is_end(self, sign: bytes) -> bool:
        """Take a sign in; return whether it is the one after the element."""
        if sign == b'"':
            self.in_text = not self.in_text
        elif sign in b"[{":
            self.depth += 1
        elif self.depth == 0:
            return sign != b"}"
        elif sign != b",":
            self.depth -= 1
        return False


class Elements:
    """Keeps the incomplete last element; ``most`` is the longest element in bytes.

    An element is what stands between two commas, valid JSON or not. The result does not depend on
    how the stream is cut into pieces.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._rest = b""
        self._scan = Scan()
        self._is_cut = False
        """Whether the incomplete element is too long already: its beginning is not kept."""
        self._is_open = self._is_closed = False
        self._is_first = True

    def cut(self, piece: bytes, *, last: bool) -> Iterator[bytes | None]:
        """Yield elements, and None for each that is too long.

        Raises:
            Unreadable: the stream is not an array, or ends before the array does.
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
                raise Unreadable("this is not a JSON array of objects: it does not begin with [")
            self._is_open = True
            return len(content) - len(text) + 1
        return 0

    def _end(self, content: bytes, begin: int) -> int | None:
        """Return where the sign after an element is, None where the element is incomplete."""
        is_begun = self._scan.seen or self._is_cut
        if not is_begun and (flat := _FLAT.match(content, begin)):
            return flat.start(2)
        return self._scan.end(content, begin)

    def _element(self, raw: bytes) -> Iterator[bytes | None]:
        element = raw.strip(_SPACE)
        is_absent = self._is_first and self._is_closed and not element and not self._is_cut
        if not is_absent:
            yield None if self._is_cut or len(element) > self._most else element
        self._is_first = self._is_cut = False
        self._scan.seen = 0

    def _keep(self, rest: bytes) -> None:
        """Keep the incomplete element, of a too long one only what is needed to find its end."""
        if self._is_closed and rest.strip(_SPACE):
            raise Unreadable("something follows the JSON array")
        kept = rest.lstrip(_SPACE)
        self._scan.seen = max(self._scan.seen - (len(rest) - len(kept)), 0)
        may_end = not (self._scan.depth or self._scan.in_text)
        if may_end and len(kept) > self._most:
            kept = kept.rstrip(_SPACE) + b" "
            self._scan.seen = len(kept)
        if len(kept) > self._most + may_end:
            self._is_cut = True
            kept, self._scan.seen = kept[self._scan.seen :], 0
        self._rest = kept
