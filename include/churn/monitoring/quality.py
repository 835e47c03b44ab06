"""Alarms about the data: blanks, rejected rows, fewer predictions, old customers."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median
from typing import Final

from churn.monitoring.alarm import Alarm, AlarmKind

SURE: Final = 4.5
"""Standard errors: by chance once in 147,000 comparisons, so in 141 years of 20 fields a week."""
_LEAST_CHANGE: Final = 0.05
_LEAST_REJECTED: Final = 0.02
_FALLEN: Final = 0.2
_USUAL: Final = 100
_FEWEST_WINDOWS: Final = 3


@dataclass(frozen=True)
class Loaded:
    """A finished load: the day that it speaks of, and how many rows it had."""

    file: str
    day: date
    rows: int
    rejected: int


def blanks(
    now: Mapping[str, int], rows: int, before: Mapping[str, int], rows_before: int, version: str
) -> Iterator[Alarm]:
    """Yield an alarm for each field that is unknown more or less often than one window ago."""
    for field, unknown in now.items():
        share, former = _share(unknown, rows), _share(before[field], rows_before)
        if abs(share - former) > _LEAST_CHANGE and _is_sure(share, rows, former, rows_before):
            sentence = (
                f"{field} is unknown in {share:.0%} of the predictions, {former:.0%} a window ago"
            )
            figures = {"unknown": share, "unknown_before": former, "rows": rows}
            yield Alarm(AlarmKind.QUALITY, field, version, sentence, figures)


def predictions(counts: Sequence[int], version: str) -> Alarm | None:
    """Return an alarm if the last window has a fifth of the predictions that are usual, or less."""
    *earlier, last = counts
    if len(earlier) < _FEWEST_WINDOWS or (usual := median(earlier)) < _USUAL:
        return None
    if last > _FALLEN * usual:
        return None
    sentence = f"{last:,} predictions in this window, where {usual:,.0f} are usual"
    return Alarm(
        AlarmKind.QUALITY, "predictions", version, sentence, {"rows": last, "usual": usual}
    )


def rejected(loads: Sequence[Loaded], version: str) -> Alarm | None:
    """Return an alarm if the last load rejected a larger share of its rows than those before it."""
    if not loads[:-1]:
        return None
    *earlier, last = loads
    rows = sum(load.rows for load in earlier)
    former = _share(sum(load.rejected for load in earlier), rows)
    share = _share(last.rejected, last.rows)
    if share - former <= _LEAST_REJECTED or not _is_sure(share, last.rows, former, rows):
        return None
    sentence = (
        f"{last.file}: {share:.1%} of the rows were rejected, {former:.1%} in the loads before; "
        "`churn rejected` lists them with reasons"
    )
    return Alarm(AlarmKind.QUALITY, "rejected rows", version, sentence, {"rejected": share})


def age(loads: Sequence[Loaded], today: date, stale_days: int, version: str) -> Alarm | None:
    """Return an alarm if the customers are those of a day that is long ago."""
    if not loads or (days := (today - loads[-1].day).days) <= stale_days:
        return None
    sentence = (
        f"the customers are those of {loads[-1].day}, {days} days ago; no newer file has been "
        "loaded since"
    )
    return Alarm(AlarmKind.QUALITY, "age of the customers", version, sentence, {"days": days})


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _is_sure(one: float, rows: int, other: float, other_rows: int) -> bool:
    """Whether two shares differ beyond chance: the two-proportion z-test with a pooled share."""
    if not rows or not other_rows:
        return False
    pooled = (one * rows + other * other_rows) / (rows + other_rows)
    error = math.sqrt(pooled * (1 - pooled) * (1 / rows + 1 / other_rows))
    return abs(one - other) > SURE * error
