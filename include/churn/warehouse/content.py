"""The bytes of a customer file on their way into PostgreSQL."""

import codecs
import re
from collections.abc import Iterable, Iterator
from typing import Final

NATIVE: Final = {"utf-8": "UTF8", "cp1252": "WIN1252", "latin-1": "LATIN1"}
"""What COPY reads as it is, by PostgreSQL's names; other encodings become UTF-8 on the way."""
_BROKEN: Final = ("\ufffd", "\udcff")
_LINE_END: Final = re.compile(rb"\r\n|\n|\r(?=.)", re.DOTALL)


def transcoded(chunks: Iterable[bytes], encoding: str, *, broken: bool = False) -> Iterator[bytes]:
    """Yield UTF-8, or the bytes as they are where COPY reads the encoding itself.

    ``broken`` turns what cannot be decoded into bytes that are no UTF-8, so that only its line is
    rejected.

    Raises:
        UnicodeDecodeError: the text cannot be decoded, unless ``broken``.
    """
    if encoding in NATIVE:
        yield from chunks
        return
    decoder = codecs.getincrementaldecoder(encoding)("replace" if broken else "strict")
    for chunk in chunks:
        yield _encoded(decoder.decode(chunk), broken=broken)
    yield _encoded(decoder.decode(b"", final=True), broken=broken)


def _encoded(text: str, *, broken: bool) -> bytes:
    return text.replace(*_BROKEN).encode(errors="surrogatepass") if broken else text.encode()


def without_mark(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the content without the byte-order mark of UTF-8."""
    yield next(chunks, b"").removeprefix(codecs.BOM_UTF8)
    yield from chunks


def below_header(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield what follows the first line."""
    head = b""
    for chunk in chunks:
        head += chunk
        parts = _LINE_END.split(head, maxsplit=1)
        if len(parts) > 1:
            yield parts[1]
            break
    yield from chunks


def without_blank_end(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the content without the line ends at its end: COPY takes blank lines for torn rows."""
    held = b""
    for chunk in chunks:
        text = chunk.rstrip(b"\r\n")
        if text:
            yield held + text if held else text
            held = chunk[len(text) :]
        else:
            held += chunk


class StrayQuotes:
    """Looks for quotes within a bare cell: COPY would drop them, which changes the value."""

    def __init__(self, delimiter: str) -> None:
        other = b"[^" + re.escape(delimiter.encode()) + rb'"\s]'
        self._pattern = re.compile(rb'"(?=' + other + rb")(?<=" + other + rb'")')
        self._last = b""

    def are_in(self, chunk: bytes) -> bool:
        """Whether the next chunk has such a quote, or its border with the one before."""
        border = self._last + chunk[:2]
        self._last = chunk[-2:]
        if b'"' not in chunk and b'"' not in border:
            return False
        return bool(self._pattern.search(border) or self._pattern.search(chunk))
