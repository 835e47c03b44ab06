"""The scorecard for one pattern of known fields: a few look-ups per customer."""

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from churn.customer.description import Known
from churn.model.layout import Layout, Number
from churn.model.score import Score, drawn_in, sigmoid
from churn.model.what_if import Offer

LEAST_SPREAD: Final = 0.6
"""Of the variance on average, as what the moments take off it is an estimate along a line."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """The points for one pattern; ``asks`` are the unknown fields worth asking for, best first.

    ``choices``, ``numbers`` and ``partly`` name what of the layout is known in this pattern.
    ``spread`` are the points of the variance, which differs by what the known values are; they are
    None where it does not.
    """

    base: float
    variance: float
    points: "array[float]"
    spread: "array[float] | None"
    choices: tuple[str, ...]
    numbers: tuple[Number, ...]
    partly: tuple[tuple[str, int], ...]
    asks: tuple[str, ...]

    def score(self, layout: Layout, known: Known) -> Score:
        """Score a customer of whom this pattern is known.

        The sum is correctly rounded, so that no version of Python or order of fields changes it.
        """
        contributions = self._contributions(self.points, layout, known)
        log_odds, spread = math.fsum((self.base, *contributions.values())), None
        if self.spread is not None:
            parts = self._contributions(self.spread, layout, known).values()
            spread = max(math.fsum((self.variance, *parts)), LEAST_SPREAD * self.variance)
        return Score(log_odds, self.variance, self.base, contributions, self.asks, spread=spread)

    def _contributions(
        self, points: "array[float]", layout: Layout, known: Known
    ) -> dict[str, float]:
        """Return the points of each known field."""
        places = layout.places
        found = {name: points[places[name][known[name]]] for name in self.choices}
        for number in self.numbers:
            added = points[number.place] * number.z(known)
            found[number.field] = found.get(number.field, 0.0) + added
        for name, place in self.partly:
            found[name] = points[place]
        return found

    def changed(self, layout: Layout, whole: Known, offers: Sequence[Offer]) -> list[float]:
        """Return the probability of a customer, and then that with each offer alone.

        An offer is another value of a choice that is known, so that the pattern stays the same.
        """
        now = self.score(layout, whole)
        contributions, draw = now.contributions, drawn_in(1.0, self.variance)
        found = [now.probability]
        for name, value in offers:
            then = self.points[layout.places[name][value]] if name in contributions else 0.0
            difference = then - contributions.get(name, 0.0)
            found.append(sigmoid((now.log_odds + difference) * draw))
        return found

    def probabilities(self, layout: Layout, rows: Sequence[Known]) -> NDArray[np.float64]:
        """Return the probabilities of customers of whom this pattern is known."""
        points = np.frombuffer(self.points)
        constant = self.base + sum(points[place] for _, place in self.partly)
        total = np.full(len(rows), constant)
        for name in self.choices:
            place = layout.places[name]
            total += points[[place[row[name]] for row in rows]]
        for number in self.numbers:
            total += points[number.place] * np.array([number.z(row) for row in rows])
        settled = total * drawn_in(1.0, self.variance)
        return 0.5 * (1 + np.tanh(settled / 2))
