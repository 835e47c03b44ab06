"""A test that may be looked at every day: its false alarms are bounded over a whole year.

The mean of bounded numbers is tested by betting against it (Waudby-Smith and Ramdas 2024,
Estimating Means of Bounded Random Variables by Betting). A fortune starts every day, each with the
same small capital, so that changes that begin late are found (as in Shin, Ramdas and Rinaldo 2024,
E-detectors). In a year of daily looks, each back over a year at most, no more than two years of
fortunes are seen. Their capital adds up to 1, so if the mean was within the tolerance all along, by
Ville's inequality their sum ever reaches ``1 / alpha`` with probability ``alpha`` at most.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
LONGEST: Final = 365
"""Days that one look may go back, and over which looks the promise holds."""
_CAPITAL: Final = 1 / (2 * LONGEST)
_BETS: Final = np.array([0.02, 0.05, 0.1, 0.2, 0.4, 0.8])
_MOST: Final = 300.0


@dataclass(frozen=True)
class Day:
    """Numbers in [-1, 1] seen on one day: ``counts`` of each of ``values``."""

    values: Floats
    counts: Floats


@dataclass(frozen=True)
class EProcess:
    """The sum of all fortunes at the end of each day, and the first day that it was large enough.

    ``by_day`` has the shape (days,); ``sign`` is 1 where the mean is too high, else -1.
    """

    by_day: Floats
    alarm_day: int | None
    sign: int

    @property
    def is_alarm(self) -> bool:
        """Whether the mean left the tolerance, as far as the promise allows to say so."""
        return self.alarm_day is not None


def watch(
    days: Iterable[Day], *, tolerance: float, alpha: float, two_sided: bool = True
) -> EProcess:
    """Test day after day whether the mean stays within ``tolerance`` of 0, or at most that.

    Only the days given count, in their order.

    Raises:
        ValueError: there are more than 365 days, for which the promise does not hold.
    """
    signs = (1, -1) if two_sided else (1,)
    per_side = alpha / len(signs)
    listed = list(days)
    if len(listed) > LONGEST:
        raise ValueError(f"{len(listed)} days, of which at most {LONGEST} can be looked at")
    sides = {sign: _fortunes(listed, sign, tolerance) for sign in signs}
    alarms = {sign: _first(found, 1 / per_side) for sign, found in sides.items()}
    seen = {sign: day for sign, day in alarms.items() if day is not None}
    last = {sign: found[-1] if len(found) else 0.0 for sign, found in sides.items()}
    sign = min(seen, key=lambda one: seen[one]) if seen else max(last, key=lambda one: last[one])
    return EProcess(sides[sign], alarms[sign], sign)


def _fortunes(days: list[Day], sign: int, tolerance: float) -> Floats:
    """Return the sum of all fortunes at the end of each day, shape (days,).

    A bet is at most 0.8 of what could be lost at once, ``1 + tolerance``.
    """
    bets = _BETS / (1 + tolerance)
    fortunes = np.zeros(len(bets))
    totals = np.zeros(len(days))
    for number, day in enumerate(days):
        won = np.log1p(bets[:, None] * (sign * day.values - tolerance)) @ day.counts
        fortunes = (fortunes + _CAPITAL) * np.exp(np.clip(won, -_MOST, _MOST))
        fortunes = np.minimum(fortunes, np.exp(_MOST))
        totals[number] = fortunes.mean()
    return totals


def _first(fortunes: Floats, needed: float) -> int | None:
    reached = np.flatnonzero(fortunes >= needed)
    return int(reached[0]) if len(reached) else None
