"""How a customer file is written: encoding and separator; detected or set by hand."""

import codecs
import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from churn.core.errors import DataQualityError
from churn.customer import description
from churn.warehouse.loading.encoding import find_encoding, set_by_hand
from churn.warehouse.loading.source import CHUNK

SEPARATORS: Final = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
DECIMALS: Final = {"dot": ".", "comma": ","}
THOUSANDS: Final = {"comma": ",", "dot": ".", "apostrophe": "'", "space": " ", "none": ""}
"""By the names that are shown and taken."""


@dataclass(frozen=True)
class FormatOptions:
    """What was set by hand; ``None`` is detected."""

    encoding: str | None = None
    delimiter: str | None = None
    decimal: str | None = None
    thousands: str | None = None


DETECT_FORMAT: Final = FormatOptions()


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
    is_western_guess: bool = False
    """Whether the encoding is Windows-1252 unless a line proves that it is not."""


def detect(sample: bytes, options: FormatOptions) -> Dialect:
    """Return the dialect of a file that starts with ``sample``.

    Raises:
        DataQualityError: the start of the file is not text with a header we know.
    """
    encoding = set_by_hand(sample, options.encoding) if options.encoding else find_encoding(sample)
    text = _decode(sample, encoding)
    if not text.strip():
        raise DataQualityError("the file is empty")
    first, *rest = re.split("[\r\n]", text, maxsplit=1)
    if not rest and len(sample) >= CHUNK:
        raise DataQualityError(f"the first line is longer than {CHUNK >> 20} MB")
    if not first.strip():
        raise DataQualityError("the first line is blank, where the header should be")
    delimiter = options.delimiter or max(SEPARATORS.values(), key=lambda mark: _known(first, mark))
    if first.count('"') % 2:
        raise DataQualityError("a quote is opened in the header and not closed")
    headers = tuple(header.strip() for header in _split(first, delimiter))
    is_guess = encoding == "cp1252" and options.encoding is None
    return Dialect(encoding, delimiter, headers, is_western_guess=is_guess)


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
        description.normalised(h.strip()) in description.BY_OUTSIDE_NAME
        for h in _split(line, delimiter)
    )
