"""Reads the value of an environment variable, or refuses it with what it may be."""

import math
from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from churn.core.errors import ChurnError

Word = TypeVar("Word", bound=StrEnum)


def given(values: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that have a value, without the spaces around it."""
    return {name: value.strip() for name, value in values.items() if value.strip()}


def word(values: Mapping[str, str], name: str, default: Word) -> Word:
    """Return one of the default's words, in any case."""
    kind = type(default)
    try:
        return kind(values.get(name, default).lower())
    except ValueError:
        raise ChurnError(f"{name}={values[name]}: expected {' | '.join(kind)}") from None


def number(values: Mapping[str, str], name: str, low: float, high: float) -> float | None:
    """Return a number within bounds, or None where there is none."""
    if name not in values:
        return None
    try:
        found = float(values[name])
    except ValueError:
        found = math.nan
    if not low <= found <= high:
        raise ChurnError(f"{name}={values[name]}: expected a number from {low:g} to {high:,g}")
    return found


def whole(values: Mapping[str, str], name: str, low: int, high: int) -> int | None:
    """Return a whole number within bounds, or None where there is none."""
    if name not in values:
        return None
    text = values[name]
    if not (text.isascii() and text.isdigit() and low <= int(text) <= high):
        raise ChurnError(f"{name}={text}: expected a whole number from {low:,} to {high:,}")
    return int(text)
