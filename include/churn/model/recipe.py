"""How finely models are measured."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

SEED: Final = 20_260_101
"""Of every random choice in training."""


@dataclass(frozen=True)
class Recipe:
    """A cross-validation of ``folds``, repeated, and the bootstrap draws of its intervals.

    An interval needs at least 20 draws.
    """

    folds: int = 5
    repeats: int = 3
    draws: int = 200

    @property
    def fits(self) -> int:
        """How many models of a family are fitted in one cross-validation."""
        return self.folds * self.repeats

    @property
    def values(self) -> dict[str, int]:
        """The recipe as a manifest records it."""
        return {"folds": self.folds, "repeats": self.repeats, "bootstrap_draws": self.draws}

    @classmethod
    def recorded(cls, values: Mapping[str, str | int | float]) -> "Recipe":
        """Return the recipe that a manifest records."""
        return cls(*(int(values.get(name, number)) for name, number in STANDARD.values.items()))


STANDARD: Final = Recipe()
