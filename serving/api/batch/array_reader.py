"""Reads a JSON array."""

import codecs
import json
import re
from enum import Enum
from typing import Final

from serving.api.batch.json_rows import TWICE, rows_from
from serving.api.batch.rows import Rows, Unreadable


class _Expects(Enum):
    OPENING = "["
    FIRST = "a value or ]"
    VALUE = "a value"
    COMMA = ", or ]"
    NOTHING = ""


_NUMBER: Final = re.compile(r"[-+.0-9eE]+")
_SOLID: Final = re.compile(r"[^ \t\r\n]")
_STEPS: Final = {
    (_Expects.OPENING, "["): _Expects.FIRST,
    (_Expects.FIRST, "]"): _Expects.NOTHING,
    (_Expects.COMMA, ","): _Expects.VALUE,
    (_Expects.COMMA, "]"): _Expects.NOTHING,
}


class ArrayReader:
    """Reads the objects of an array as they come; a value has at most so many characters."""

    def __init__(self, most: int) -> None:
        self._decode = json.JSONDecoder(object_pairs_hook=_each_once).raw_decode
        self._text = codecs.getincrementaldecoder("utf-8-sig")()
        self._rest = ""
        self._most = most
        self._expects = _Expects.OPENING

    def feed(self, piece: bytes, *, last: bool = False) -> list[Rows]:
        """Return the rows that are complete now."""
        try:
            self._rest += self._text.decode(piece, last)
        except UnicodeDecodeError as error:
            raise Unreadable(f"this is not UTF-8: {error.reason}") from None
        found: list[object] = []
        place = 0
        while (at := self._next(place)) is not None:
            place = at
            if self._expects is _Expects.VALUE:
                if (value := self._value(_past_space(self._rest, place), last=last)) is None:
                    break
                found.append(value[0])
                place = value[1]
        self._rest = self._rest[_past_space(self._rest, place) :]
        if last and self._expects is not _Expects.NOTHING:
            raise Unreadable("the JSON array is not closed")
        return [rows_from(found)] if found else []

    def _next(self, place: int) -> int | None:
        """Step over what comes before a value; return where to go on, or None at the end."""
        place = _past_space(self._rest, place)
        sign = self._rest[place : place + 1]
        if not sign or self._expects is _Expects.VALUE:
            return place if sign else None
        following = _STEPS.get((self._expects, sign))
        if following is None and self._expects is _Expects.FIRST:
            self._expects = _Expects.VALUE
            return place
        if following is None:
            raise Unreadable(f"this is no JSON array of objects: {sign!r} is in the wrong place")
        self._expects = following
        return place + 1

    def _value(self, place: int, *, last: bool) -> tuple[object, int] | None:
        if not last and _number_end(self._rest, place) == len(self._rest) > place:
            return None  # more digits may follow
        try:
            found = self._decode(self._rest, place)
        except (ValueError, RecursionError) as error:
            if not last and len(self._rest) - place <= self._most:
                return None  # it may only be incomplete
            raise Unreadable(f"this is no JSON array of objects: {error}") from None
        self._expects = _Expects.COMMA
        return found


def _past_space(text: str, place: int) -> int:
    found = _SOLID.search(text, place)
    return found.start() if found else len(text)


def _number_end(text: str, place: int) -> int:
    found = _NUMBER.match(text, place)
    return found.end() if found else place


def _each_once(pairs: list[tuple[str, object]]) -> object:
    content = dict(pairs)
    return content if len(content) == len(pairs) else TWICE
