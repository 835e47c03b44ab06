"""The bytes of a customer file on their way into PostgreSQL."""

import codecs
import re
from collections.abc import Iterable, Iterator
from typing import Final

NATIVE: Final = {"utf-8": "UTF8", "cp1252": "WIN1252", "latin-1": "LATIN1"}
"""What COPY reads itself, by PostgreSQL's names; other encodings become UTF-8 first."""
LONGEST_LINE: Final = 1 << 24
"""Of bytes: no customer's line is longer."""
_BROKEN: Final = ("\ufffd", "\udcff")
_MOST_BLANK: Final = 1 << 10
_LINE_END: Final = re.compile(rb"\r\n|\n|\r(?=.)", re.DOTALL)


class LineTooLongError(Exception):
    """A line is longer than any customer's; the rest of the file is not read."""


class Ending:
    """Passes a content on, and keeps what follows its last line end."""

    def __init__(self) -> None:
        self.rest = b""

    def watched(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the chunks.

        Raises:
            LineTooLongError: a line has no end where it should have.
        """
        for chunk in chunks:
            end = max(chunk.rfind(b"\n"), chunk.rfind(b"\r")) + 1
            self.rest = chunk[end:] if end else self.rest + chunk
            if len(self.rest) > LONGEST_LINE:
                raise LineTooLongError(f"a line is longer than {LONGEST_LINE >> 20} MB")
            yield chunk


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
    """Yield the content without the line ends at its end: COPY takes blank lines for rows.

    Blank lines in the middle are kept up to a limit; COPY refuses them in any number.
    """
    held = b""
    for chunk in chunks:
        text = chunk.rstrip(b"\r\n")
        if text:
            yield held + text if held else text
            held = b""
        held = (held + chunk[len(text) :])[:_MOST_BLANK]


class StrayQuotes:
    """Finds quotes within a cell, which COPY would drop."""

    def __init__(self, delimiter: str) -> None:
        self._delimiter = delimiter.encode()
        edge = re.escape(self._delimiter)
        text = rb'"(?:[^"\r\n]|"")*"'
        self._quoted = re.compile(
            rb"(?:(?<=[\r\n" + edge + rb"])|\A)" + text + rb"(?=[\r\n" + edge + rb"]|\Z)"
        )
        self._rest = b""

    def are_in(self, chunk: bytes) -> bool:
        """Whether the lines that the next chunk completes have such a quote."""
        whole, end, rest = (self._rest + chunk).rpartition(b"\n")
        self._rest = rest
        return self._are_in(whole + end)

    def are_at_the_end(self) -> bool:
        """Whether the last line has such a quote."""
        return self._are_in(self._rest)

    def _are_in(self, lines: bytes) -> bool:
        return not self._are_plainly_right(lines) and b'"' in self._quoted.sub(b"", lines)

    def _are_plainly_right(self, lines: bytes) -> bool:
        """Return, by counting, whether each quote is at the start or the end of a cell."""
        quotes = lines.count(b'"')
        if not quotes:
            return True
        mark = self._delimiter
        starts = lines.count(mark + b'"') + lines.count(b'\n"') + lines.startswith(b'"')
        ends = lines.count(b'"' + mark) + lines.count(b'"\r') + lines.count(b'"\n')
        ends += lines.endswith(b'"')
        lone_quotes = lines.count(mark + b'"' + mark) + lines.count(b'\n"' + mark)
        return not lone_quotes and starts == ends and quotes == starts + ends
