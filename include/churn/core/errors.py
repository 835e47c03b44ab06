"""The errors that users see; each message states what to do."""

import reprlib
from collections.abc import Sequence
from dataclasses import dataclass

_MOST_PROBLEMS = 3
_MOST_CHARACTERS = 400
_MOST_OF_A_NAME = 60
_MOST_LISTED = 20
_MOST_IN_ALL = 20_000


class ChurnError(Exception):
    """Base of every error that is meant to be read by a person."""


class DataQualityError(ChurnError):
    """The data is not what the pipeline needs; trying again with the same data cannot help."""


class WarehouseError(ChurnError):
    """PostgreSQL cannot be reached or is not in the state a step needs."""


class ConnectionFailedError(WarehouseError):
    """PostgreSQL cannot be reached."""


class ModelRefusedError(ChurnError):
    """A model version failed a check and is not used."""


class NoModelError(ChurnError):
    """Nothing has been published yet."""


@dataclass(frozen=True)
class Problem:
    """One thing wrong with one field."""

    field: str
    value: object
    expected: str
    nearest: str | None = None

    def __str__(self) -> str:
        hint = f" (did you mean {self.nearest!r}?)" if self.nearest else ""
        name = plain(self.field, _MOST_OF_A_NAME)
        return f"{name}={shown(self.value)}: expected {self.expected}{hint}"


class InvalidInputError(ChurnError):
    """An input with problems, of which each names a field."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(_joined(problems))
        self.problems = problems


class InvalidCustomerError(InvalidInputError):
    """A customer description that breaks a type, a domain or a rule between fields."""


class InvalidOutcomeError(InvalidInputError):
    """A statement about a prediction or a customer that cannot be read."""


def plain(text: str, most: int = _MOST_CHARACTERS) -> str:
    """Return a text that comes from outside in one line: escaped where unprintable, and cut."""
    cut = f"{text[:most]}... ({len(text):,} characters)" if len(text) > most else text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut)


def plain_lines(text: str, most: int = _MOST_IN_ALL) -> str:
    """Return a text of several lines without control characters, and cut."""
    return "\n".join(plain(line, most) for line in text[:most].split("\n"))


def plain_list(texts: Sequence[str], most: int = _MOST_LISTED) -> str:
    """Return texts from outside, separated by commas; of many, only the first."""
    listed = ", ".join(plain(text, _MOST_OF_A_NAME) for text in texts[:most])
    return f"{listed} and {len(texts) - most:,} more" if len(texts) > most else listed


def shown(value: object) -> str:
    """Return a value as Python writes it, cut where it is long or deep."""
    try:
        return reprlib.repr(value)
    except (ValueError, RecursionError):  # a whole number of thousands of digits, say
        return f"a very long {type(value).__name__}"


def _joined(problems: tuple[Problem, ...]) -> str:
    texts = "; ".join(map(str, problems[:_MOST_PROBLEMS]))
    more = len(problems) - _MOST_PROBLEMS
    return f"{texts}; and {more} more" if more > 0 else texts
