"""What can go wrong, each with a message that says what to do about it."""

import reprlib
from dataclasses import dataclass

_MOST_TOLD = 3


class ChurnError(Exception):
    """Base of every error that is meant to be read by a person."""


class DataQualityError(ChurnError):
    """The data is not what the pipeline needs; trying again with the same data cannot help."""


class WarehouseError(ChurnError):
    """PostgreSQL cannot be reached or is not in the state a step needs."""


class ModelRefusedError(ChurnError):
    """A model version failed a check and is not used."""


class NoModelError(ChurnError):
    """Nothing has been published yet."""


@dataclass(frozen=True)
class Problem:
    """One thing wrong with one field of a customer."""

    field: str
    value: object
    expected: str
    nearest: str | None = None

    def __str__(self) -> str:
        hint = f" (did you mean {self.nearest!r}?)" if self.nearest else ""
        return f"{self.field}={shown(self.value)}: expected {self.expected}{hint}"


class InvalidCustomerError(ChurnError):
    """A customer description that breaks a type, a domain or a rule between fields."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(_told(problems))
        self.problems = problems


def shown(value: object) -> str:
    """Return a value as Python writes it, cut where it is long or deep."""
    try:
        return reprlib.repr(value)
    except (ValueError, RecursionError):  # a whole number of thousands of digits, say
        return f"a very long {type(value).__name__}"


def _told(problems: tuple[Problem, ...]) -> str:
    told = "; ".join(map(str, problems[:_MOST_TOLD]))
    more = len(problems) - _MOST_TOLD
    return f"{told}; and {more} more" if more > 0 else told
