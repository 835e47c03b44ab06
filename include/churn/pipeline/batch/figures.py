"""Numbers of many rows as texts, in JSON and alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import msgspec
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Figures:
    """A number per row; every text is the shortest that parses to the same double."""

    values: NDArray[np.float64]

    def only(self, places: NDArray[np.intp]) -> "Figures":
        """Return those of some rows."""
        return Figures(self.values[places])

    @cached_property
    def are_equal(self) -> bool:
        """Whether all rows have the same number."""
        return len(self.values) > 0 and bool((self.values == self.values[0]).all())

    @cached_property
    def json(self) -> bytes:
        """A JSON array."""
        return msgspec.json.encode(self.values.tolist())

    @cached_property
    def texts(self) -> Sequence[str]:
        """A text for each row."""
        if self.are_equal:
            return [repr(float(self.values[0]))] * len(self.values)
        return self.json[1:-1].decode().split(",")


def digits(flags: NDArray[np.bool_]) -> str:
    """Return a 1 or a 0 for each flag."""
    return (flags + np.uint8(ord("0"))).tobytes().decode()


def words(flags: NDArray[np.bool_]) -> Sequence[str]:
    """Return true or false, as JSON spells them, for each flag."""
    return ["true" if flag else "false" for flag in flags.tolist()]
