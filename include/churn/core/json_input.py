"""Reads JSON that comes from outside."""

import json
from typing import Final

_MOST_DIGITS: Final = 400


def load(content: bytes | str) -> object:
    """Return the content of a JSON text.

    Raises:
        ValueError: it is not JSON, or a name occurs twice in an object.
        RecursionError: it is nested too deeply.
    """
    return json.loads(content, object_pairs_hook=_each_once, parse_int=_whole)


def _whole(text: str) -> int | str:
    """Return a whole number; longer ones, which no field has, stay text: Python may refuse them."""
    return int(text) if len(text) <= _MOST_DIGITS else text


def _each_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    content = dict(pairs)
    if len(content) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(n for n in names if names.count(n) > 1)!r} is there twice")
    return content
