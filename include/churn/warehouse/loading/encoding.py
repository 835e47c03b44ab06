"""Detects the encoding of a file from its bytes."""

# ruff: noqa: RUF001 - letters and marks of many languages

import codecs
import itertools
import re
from collections.abc import Iterable, Iterator
from typing import Final

from churn.core.errors import DataQualityError, shown

ENCODINGS: Final = (
    "utf-8", "utf-16", "cp1252", "latin-1", "iso8859-15", "cp1250", "iso8859-2", "cp1251",
    "koi8-r", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258", "mac-roman", "cp437",
    "cp850", "cp866", "shift_jis", "euc-jp", "gb18030", "big5", "euc-kr",
)  # fmt: skip
"""What can be set by hand."""
_MOST_NAMED: Final = 5
_ADVICE: Final = (
    "set the encoding that the file was written in by hand (`--encoding`, or *Encoding* in the "
    "form), or save the file as UTF-8"
)
_LETTERS: Final = "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜßàáâãäåæçèéêëìíîïñòóôõöøùúûüÿŒœŠšŽžŸ"
_SYMBOLS: Final = "€…‘’“”•–—™\u00a0¡£§©ª«®°²³´·¹º»¼½¾¿"
_WORD: Final = re.compile(rf"[A-Za-z{_LETTERS}]*[{_LETTERS}][A-Za-z{_LETTERS}]*")
_FOREIGN: Final = re.compile(rf"[^\x00-\x7f{_LETTERS}{_SYMBOLS}]")
_WITHIN: Final = re.compile(
    rf"[A-Za-z{_LETTERS}][^\x00-\x7f{_LETTERS}’´·ªº°][A-Za-z{_LETTERS}]"
    rf"|[A-Za-z{_LETTERS}][¼½¾£¡¿«±¹]|[£±¹»][A-Za-z{_LETTERS}]|[{_SYMBOLS}]{{3}}"
)
_MARKS_16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_MARKS_32: Final = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)


class EncodingError(DataQualityError):
    """The encoding of a file cannot be detected from its bytes."""


def find_encoding(sample: bytes) -> str:
    """Return the encoding of a file that starts with ``sample``.

    ``cp1252`` is what it would be; whether it can be shows line by line, see ``proved_western``.

    Raises:
        EncodingError: some lines are UTF-8 and more of them are not, or it is UTF-32.
    """
    if sample.startswith(_MARKS_32):
        raise EncodingError(f"the file is in UTF-32; {_ADVICE}")
    if sample.startswith(_MARKS_16):
        return "utf-16"
    if sample[1:200:2].count(0) > len(sample[1:200:2]) // 2:
        return "utf-16-le"
    if sample[0:200:2].count(0) > len(sample[0:200:2]) // 2:
        return "utf-16-be"
    if sample.startswith(codecs.BOM_UTF8) or _mostly_utf8(sample):
        return "utf-8"
    return "cp1252"


def set_by_hand(sample: bytes, requested: str) -> str:
    """Return the encoding set by hand; the zeros of UTF-16 without a mark show which one it is."""
    if requested != "utf-16" or sample.startswith(_MARKS_16):
        return requested
    found = find_encoding(sample)
    if not found.startswith("utf-16"):
        raise EncodingError(f"the file is not UTF-16; by its bytes it is {found}")
    return found


def _mostly_utf8(sample: bytes) -> bool:
    """Whether most lines with other than ASCII are UTF-8: a broken one is alone in it.

    Raises:
        EncodingError: fewer are.
    """
    lines = sample.splitlines()[:-1] or [sample]
    others = [(i, _is_utf8(line)) for i, line in enumerate(lines, start=1) if not line.isascii()]
    utf8 = [i for i, is_utf8 in others if is_utf8]
    if 2 * len(utf8) >= len(others):
        return True
    if utf8:
        _refuse_mixture(utf8, [i for i, is_utf8 in others if not is_utf8])
    return False


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _refuse_mixture(utf8: list[int], others: list[int]) -> None:
    raise EncodingError(
        f"the lines differ in encoding: {_listed(utf8)} UTF-8, {_listed(others)} not; {_ADVICE}"
    )


def _listed(lines: list[int]) -> str:
    named = ", ".join(f"{line:,}" for line in lines[:_MOST_NAMED])
    if not lines:
        return "others are"
    more = f" and {len(lines) - _MOST_NAMED:,} more" if len(lines) > _MOST_NAMED else ""
    return f"line {named} is" if len(lines) == 1 else f"lines {named}{more} are"


def proved_western(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the chunks of a file that seems to be Windows-1252, as long as each line can be.

    Raises:
        EncodingError: a line is UTF-8, or has a word that no language written in it has.
    """
    rest, number, western = b"", itertools.count(1), 0
    for chunk in itertools.chain(chunks, (None,)):
        lines = re.split(rb"\r\n|\n|\r(?!\Z)", rest + (chunk or b""))
        rest = b"" if chunk is None else lines.pop()
        for line, place in zip(lines, number, strict=False):
            if not line.isascii():
                _require_western(line, place, western)
                western = place
        if chunk is not None:
            yield chunk


def _require_western(line: bytes, place: int, former: int) -> None:
    if _is_utf8(line):
        _refuse_mixture([place], [former] if former else [])
    text = line.decode("cp1252", errors="replace")
    if odd := _odd_word(text):
        raise EncodingError(
            f"line {place:,} is neither UTF-8 nor, by {shown(odd)}, Windows-1252; {_ADVICE}"
        )


def _odd_word(text: str) -> str | None:
    """Return what no text in Windows-1252 has, read as such: cp1251, Shift-JIS and others have."""
    odd = _FOREIGN.search(text) or _WITHIN.search(text)
    if odd:
        return text[max(odd.start() - 5, 0) : odd.end() + 5]
    return next((word for word in _WORD.findall(text) if not _is_plausible(word)), None)


def _is_plausible(word: str) -> bool:
    """Whether as many letters are ASCII as are not, but for one, and their case is regular."""
    foreign = sum(not letter.isascii() for letter in word)
    regular = word[1:].islower() or word.isupper() or len(word) == 1
    return foreign <= len(word) - foreign + 1 and regular
