"""How often monitoring is wrong, how soon it is right, how exact estimates are, and how fast it is.

The customers are those of the shipped sample. Their true probability of churning is taken to be
that of gradient boosting, out of fold, so that outcomes can be drawn as often as wanted from a
truth that the scorecard, which is watched, does not know.
"""

from benchmarks.monitoring import estimates, speed, windows, years
from benchmarks.monitoring.population import population


def measure() -> str:
    """Return every part's table."""
    found = population()
    statistics = (windows.measure(found), years.measure(found), estimates.measure(found))
    return "\n\n".join((*statistics, speed.measure()))
