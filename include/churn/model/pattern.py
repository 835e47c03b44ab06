"""The scorecard for one pattern of known fields: a few look-ups per customer."""

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from churn.customer.description import Customer
from churn.model.point_layout import Number, PointLayout
from churn.model.score import Score, shrunk, sigmoid
from churn.model.what_if import Offer

LEAST_SPREAD: Final = 0.6
"""Of the average variance: the estimate by third moments is linear and can be far too low."""


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

    def score(self, layout: PointLayout, customer: Customer) -> Score:
        """Score a customer who has this pattern of known fields.

        The sum is correctly rounded, so that no version of Python or order of fields changes it.
        """
        contributions = self._contributions(self.points, layout, customer)
        log_odds, spread = math.fsum((self.base, *contributions.values())), None
        if self.spread is not None:
            parts = self._contributions(self.spread, layout, customer).values()
            spread = max(math.fsum((self.variance, *parts)), LEAST_SPREAD * self.variance)
        return Score(log_odds, self.variance, self.base, contributions, self.asks, spread=spread)

    def _contributions(
        self, points: "array[float]", layout: PointLayout, customer: Customer
    ) -> dict[str, float]:
        """Return the points of each known field."""
        places = layout.places
        found = {name: points[places[name][customer[name]]] for name in self.choices}
        for number in self.numbers:
            added = points[number.place] * number.z(customer)
            found[number.field] = found.get(number.field, 0.0) + added
        for name, place in self.partly:
            found[name] = points[place]
        return found

    def changed(
        self, layout: PointLayout, customer: Customer, offers: Sequence[Offer]
    ) -> list[float]:
        """Return the probability of a customer, and then that with each offer alone.

        An offer is another value of a choice that is known, so that the pattern stays the same.
        """
        now = self.score(layout, customer)
        contributions, factor = now.contributions, shrunk(1.0, self.variance)
        found = [now.probability]
        for name, value in offers:
            then = self.points[layout.places[name][value]] if name in contributions else 0.0
            difference = then - contributions.get(name, 0.0)
            found.append(sigmoid((now.log_odds + difference) * factor))
        return found
