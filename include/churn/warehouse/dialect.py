"""How a customer file is written: encoding, separator, decimal mark; detected or set by hand."""

import codecs
import csv
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from charset_normalizer import from_bytes

from churn import customer
from churn.customer import COLUMNS
from churn.errors import DataQualityError
from churn.field import Kind

DELIMITERS: Final = (",", ";", "\t", "|")
ENCODINGS: Final = ("utf-8", "utf-16", "cp1252", "latin-1")
_SAMPLE_ROWS: Final = 200
_COMMA_DECIMAL: Final = re.compile(r"[0-9.]*,[0-9]+")
_THOUSANDS: Final = re.compile(r"[0-9]{1,3},[0-9]{3}")


@dataclass(frozen=True)
class Asked:
    """What was set by hand; ``None`` is detected."""

    encoding: str | None = None
    delimiter: str | None = None
    decimal: str | None = None


NOTHING_ASKED: Final = Asked()


@dataclass(frozen=True)
class Dialect:
    """How a file is written, and its header."""

    encoding: str
    delimiter: str
    decimal: str
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
    first = text.splitlines()[0]
    if not first.strip():
        raise DataQualityError("the first line is blank, where the header should be")
    delimiter = asked.delimiter or max(DELIMITERS, key=lambda mark: _known(first, mark))
    if first.count('"') % 2:
        raise DataQualityError("a quote is opened in the header and not closed")
    headers = tuple(header.strip() for header in _split(first, delimiter))
    decimal = asked.decimal or _decimal(text, delimiter, headers)
    return Dialect(encoding, delimiter, decimal, headers)


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


def _decimal(text: str, delimiter: str, headers: Sequence[str]) -> str:
    """Return a comma where most amounts of the first rows are written with one."""
    money = {
        customer.normalised(n) for f in COLUMNS if f.kind is Kind.MONEY for n in (f.name, f.header)
    }
    places = [i for i, header in enumerate(headers) if customer.normalised(header) in money]
    amounts = list(_cells(text, delimiter, places))
    with_comma = [amount for amount in amounts if _COMMA_DECIMAL.fullmatch(amount)]
    if with_comma and all(map(_THOUSANDS.fullmatch, with_comma)):
        raise DataQualityError(
            f"is {with_comma[0]!r} thousands or a fraction? Set the decimal mark by hand "
            "(`--decimal`, or *Decimal mark* in the form)"
        )
    return "," if 2 * len(with_comma) > len(amounts) else "."


def _cells(text: str, delimiter: str, places: Sequence[int]) -> Iterator[str]:
    """Yield the cells at these places of the first rows, each line for itself."""
    for line in itertools.islice(text.splitlines(), 1, _SAMPLE_ROWS):
        row = _split(line, delimiter)
        yield from (row[i].strip() for i in places if i < len(row) and row[i].strip())
