"""How a customer file is written: encoding and separator; detected or set by hand."""

import codecs
import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from charset_normalizer import from_bytes

from churn import customer
from churn.errors import DataQualityError
from churn.warehouse.source import CHUNK

SEPARATORS: Final = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
DECIMALS: Final = {"dot": ".", "comma": ","}
THOUSANDS: Final = {"comma": ",", "dot": ".", "apostrophe": "'", "space": " ", "none": ""}
"""By the names that are shown and taken."""
ENCODINGS: Final = ("utf-8", "utf-16", "cp1252", "latin-1")


@dataclass(frozen=True)
class Asked:
    """What was set by hand; ``None`` is detected."""

    encoding: str | None = None
    delimiter: str | None = None
    decimal: str | None = None
    thousands: str | None = None


NOTHING_ASKED: Final = Asked()


def mark_named(text: str, marks: Mapping[str, str]) -> str | None:
    """Return the mark that a name stands for, or that is given itself; None if it is neither."""
    named = {**{mark: mark for mark in marks.values() if mark}, r"\t": "\t", **marks}
    mark = named.get(text.lower())
    return mark if mark in marks.values() else None


def name_of(mark: str, marks: Mapping[str, str]) -> str:
    """Return the name of a mark."""
    return next((name for name, one in marks.items() if one == mark), mark)


@dataclass(frozen=True)
class Dialect:
    """How a file is written, and its header."""

    encoding: str
    delimiter: str
    headers: tuple[str, ...]


def detect(sample: bytes, asked: Asked) -> Dialect:
    """Return the dialect of a file that starts with ``sample``.

    Raises:
        DataQualityError: the start of the file is not text with a header we know.
    """
    encoding = _asked_encoding(sample, asked.encoding) if asked.encoding else _encoding(sample)
    text = _decode(sample, encoding)
    if not text.strip():
        raise DataQualityError("the file is empty")
    first, *rest = re.split("[\r\n]", text, maxsplit=1)
    if not rest and len(sample) >= CHUNK:
        raise DataQualityError(f"the first line is longer than {CHUNK >> 20} MB")
    if not first.strip():
        raise DataQualityError("the first line is blank, where the header should be")
    delimiter = asked.delimiter or max(SEPARATORS.values(), key=lambda mark: _known(first, mark))
    if first.count('"') % 2:
        raise DataQualityError("a quote is opened in the header and not closed")
    headers = tuple(header.strip() for header in _split(first, delimiter))
    return Dialect(encoding, delimiter, headers)


def _encoding(sample: bytes) -> str:
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if sample[1:200:2].count(0) > len(sample[1:200:2]) // 2:
        return "utf-16-le"
    if sample[0:200:2].count(0) > len(sample[0:200:2]) // 2:
        return "utf-16-be"
    if sample.startswith(codecs.BOM_UTF8) or _mostly_utf8(sample):
        return "utf-8"
    best = from_bytes(sample, cp_isolation=["cp1252", "latin_1"]).best()
    return "latin-1" if best and best.encoding == "latin_1" else "cp1252"


def _asked_encoding(sample: bytes, asked: str) -> str:
    """Return the encoding set by hand; UTF-16 without a mark says by its zeros which one it is."""
    marked = sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if asked != "utf-16" or marked:
        return asked
    found = _encoding(sample)
    if not found.startswith("utf-16"):
        raise DataQualityError(f"the file is not UTF-16; by its bytes it is {found}")
    return found


def _mostly_utf8(sample: bytes) -> bool:
    """Tell whether most lines with other than ASCII are UTF-8: a broken one is alone in it."""
    lines = [line for line in sample.splitlines()[:-1] or [sample] if not line.isascii()]
    return 2 * sum(map(_is_utf8, lines)) >= len(lines)


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _decode(sample: bytes, encoding: str) -> str:
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    return decoder.decode(sample, final=False).removeprefix("\ufeff")


def _split(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []


def _known(line: str, delimiter: str) -> int:
    return sum(
        customer.normalised(h.strip()) in customer.BY_OUTSIDE_NAME for h in _split(line, delimiter)
    )
