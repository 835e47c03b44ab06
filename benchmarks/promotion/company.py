"""A synthetic company: customers whose probabilities of churning are known, and change."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]

WEIGHTS: Final = {
    "log_tenure": -0.75,
    "senior": 0.2,
    "partner": 0.0,
    "dependents": -0.15,
    "phone": -0.3,
    "paperless": 0.35,
    "male": 0.0,
    "fibre": 0.9,
    "no_internet": -0.8,
    "one_year": -0.7,
    "two_years": -1.4,
    "electronic_check": 0.4,
    "mailed_check": -0.05,
    "credit_card": -0.05,
    "security": -0.35,
    "backup": -0.1,
    "protection": 0.0,
    "support": -0.3,
    "television": 0.2,
    "films": 0.2,
    "multiple_lines": 0.2,
}
"""Log-odds of each design column; about those of the shipped file."""

PLACES: Final = {name: place for place, name in enumerate(WEIGHTS)}
_SHARES: Final = {"senior": 0.16, "partner": 0.48, "dependents": 0.3, "phone": 0.9}
_INTERNET: Final = ("security", "backup", "protection", "support", "television", "films")


def column(design: Floats, name: str) -> Floats:
    """Return a design column."""
    return np.asarray(design[:, PLACES[name]])


def draw_design(random: np.random.Generator, customers: int) -> Floats:
    """Return customers; longer contracts are more frequent among long-standing customers."""
    design = np.empty((customers, len(WEIGHTS)))
    for name in WEIGHTS:
        design[:, PLACES[name]] = random.random(customers) < _SHARES.get(name, 0.5)
    tenure = random.integers(0, 73, customers)
    design[:, PLACES["log_tenure"]] = np.log1p(tenure)
    _choose(design, random.random(customers), {"fibre": 0.44, "no_internet": 0.22})
    stretch = random.random(customers) * (1.4 - tenure / 90)
    _choose(design, stretch, {"two_years": 0.25, "one_year": 0.22})
    payments = {"electronic_check": 0.34, "mailed_check": 0.23, "credit_card": 0.21}
    _choose(design, random.random(customers), payments)
    design[:, [PLACES[name] for name in _INTERNET]] *= 1 - column(design, "no_internet")[:, None]
    return design


def _choose(design: Floats, uniform: Floats, shares: dict[str, float]) -> None:
    """Set one of a choice's columns, or none, which stands for the value without a column."""
    start = 0.0
    for name, share in shares.items():
        design[:, PLACES[name]] = (uniform >= start) & (uniform < start + share)
        start += share


def slices(design: Floats) -> dict[str, NDArray[np.bool_]]:
    """Return who belongs to each slice, as the product has them."""
    flags = {
        name: column(design, name) == 1 for name in ("male", "senior", "one_year", "two_years")
    }
    return {
        **flags,
        "female": ~flags["male"],
        "not_senior": ~flags["senior"],
        "month_to_month": ~flags["one_year"] & ~flags["two_years"],
    }


def intercept_shift(design: Floats) -> Floats:
    """All customers become likelier to churn."""
    return np.ones(len(design))


def coefficient_shift(design: Floats) -> Floats:
    """Customers with fibre, who churned most, become those who churn least."""
    return np.where(column(design, "fibre") == 1, -1.5, 0.75)


def interaction_shift(design: Floats) -> Floats:
    """Contract and payment interact, which no sum of columns can follow."""
    monthly = slices(design)["month_to_month"]
    return np.where(monthly ^ (column(design, "electronic_check") == 1), 1.2, -1.2)


SHIFTS: Final = {
    "intercept": intercept_shift,
    "coefficient": coefficient_shift,
    "interaction": interaction_shift,
}


@dataclass(frozen=True)
class Drift:
    """What changes and how: ``pace`` is slow (over all nights), abrupt (one night) or empty."""

    kind: str = ""
    pace: str = ""

    def __str__(self) -> str:
        return f"{self.kind}, {self.pace}" if self.kind else "none"

    def strength(self, night: int, nights: int, shifted_at: int) -> float:
        """Return how much of the shift has happened."""
        if self.pace == "slow":
            return night / (nights - 1)
        return float(self.pace == "abrupt" and night >= shifted_at)

    def log_odds(self, design: Floats, strength: float) -> Floats:
        """Return what the drift adds to the log-odds of churning."""
        return strength * SHIFTS[self.kind](design) if self.kind else np.zeros(len(design))


def base_log_odds(design: Floats) -> Floats:
    """Return the log-odds before any drift, but for the intercept."""
    return np.asarray(design @ np.array(list(WEIGHTS.values())))


def intercept_for(log_odds: Floats, share: float) -> float:
    """Return the intercept that makes so large a share churn (bisection)."""
    low, high = -20.0, 20.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if sigmoid(log_odds + middle).mean() < share else (low, middle)
    return low


def sigmoid(log_odds: Floats) -> Floats:
    """Return probabilities."""
    return np.asarray(1 / (1 + np.exp(-log_odds)))
