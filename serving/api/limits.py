"""Limits of concurrent requests, batches, sizes and times; each is a setting."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self

from churn.core.errors import ChurnError
from churn.pipeline.batch.rows import LONGEST_ROW

PREFIX = "CHURN_API_"


@dataclass(frozen=True)
class Limits:
    """Of one worker; ``CHURN_API_<NAME>`` sets each.

    ``requests`` and ``batches`` are answered at once; additional ones get 503 and 429.
    A request may take ``seconds`` in all, a batch as long between two pieces of its stream.
    ``body_bytes`` bounds one customer or outcome, as a request or as a row.
    """

    requests: int = 1_024
    batches: int = 2
    batch_rows: int = 10_000_000
    outcome_rows: int = 50_000
    body_bytes: int = LONGEST_ROW
    seconds: int = 30

    @classmethod
    def from_values(cls, values: Mapping[str, str]) -> Self:
        """Read the limits from the settings.

        Raises:
            ChurnError: naming the setting that is not a whole number above 0.
        """
        names = {field.name: f"{PREFIX}{field.name.upper()}" for field in fields(cls)}
        given = {name: values[key] for name, key in names.items() if values.get(key)}
        return cls(**{name: _whole(names[name], text) for name, text in given.items()})


def _whole(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text)):
        raise ChurnError(f"{name}={text}: expected a whole number over 0")
    return int(text)
