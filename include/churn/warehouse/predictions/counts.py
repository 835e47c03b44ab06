"""Counts logged predictions by the bins of their fields and scores, without reading rows out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, cast

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from churn.warehouse.connect import Connection, scalar, statement

Integers = NDArray[np.int64]
_MOST_AT_ONCE: Final = 30
"""``GROUPING`` takes 31 arguments."""
_SCORE: Final = "score"


@dataclass(frozen=True)
class Binning:
    """The bins of a field: one for each of its ``values`` and one for all others, or by ``edges``.

    ``values`` are as JSON has them without quotes; a number lies in the first bin below the first
    of the edges and in the last bin from the last one on.
    """

    field: str
    values: tuple[str, ...] = ()
    edges: tuple[float, ...] = ()

    @property
    def size(self) -> int:
        """How many bins there are."""
        return len(self.values or self.edges) + 1

    @property
    def column(self) -> sql.Composable:
        """The field's name and type, for ``jsonb_to_record``."""
        kind = "text" if self.values else "double precision"
        return sql.SQL("{} {}").format(sql.Identifier(self.field), sql.SQL(kind))

    @property
    def bin(self) -> sql.Composable:
        """The bin of a prediction, NULL where the field is unknown."""
        value = sql.Identifier("known", self.field)
        if self.edges:
            return sql.SQL("width_bucket({}, {}::double precision [])").format(
                value, sql.Literal(list(self.edges))
            )
        whens = [
            sql.SQL("WHEN {} = {} THEN {}").format(value, sql.Literal(text), sql.Literal(place))
            for place, text in enumerate(self.values)
        ]
        last = sql.SQL("WHEN {} IS NOT NULL THEN {}").format(value, sql.Literal(len(self.values)))
        return sql.SQL("CASE {} {} END").format(sql.SQL(" ").join(whens), last)


@dataclass(frozen=True)
class Window:
    """The predictions of a version in a span of time, its end excluded."""

    model_version: str
    start: datetime
    end: datetime

    @property
    def condition(self) -> sql.Composable:
        """The condition on rows of the log."""
        return sql.SQL("model_version = {} AND predicted_at >= {} AND predicted_at < {}").format(
            sql.Literal(self.model_version), sql.Literal(self.start), sql.Literal(self.end)
        )


@dataclass(frozen=True)
class FieldCounts:
    """How many predictions have each bin of each field, and how many lack the field."""

    known: dict[str, Integers]
    unknown: dict[str, int]

    @property
    def rows(self) -> int:
        """How many predictions there are: each has a bin of a field, or lacks it."""
        return next((int(self.known[f].sum()) + n for f, n in self.unknown.items()), 0)


@dataclass(frozen=True)
class ScoreCounts:
    """How many predictions have each bin of the score.

    ``complete`` counts those for which every needed field was known. ``customers`` is how many
    customers they are about; one without an id is a customer of its own.
    """

    every: Integers
    complete: Integers
    customers: int

    @property
    def rows(self) -> int:
        """How many predictions there are."""
        return int(self.every.sum())


def count_fields(
    connection: Connection, window: Window, binnings: Sequence[Binning]
) -> FieldCounts:
    """Count the predictions of a window by their fields, in one pass for each 30 of them."""
    counts = FieldCounts({one.field: np.zeros(one.size, np.int64) for one in binnings}, {})
    for start in range(0, len(binnings), _MOST_AT_ONCE):
        _count_fields(connection, window, binnings[start : start + _MOST_AT_ONCE], counts)
    return counts


def count_scores(
    connection: Connection, window: Window, *, needed: Sequence[str], score_bins: int
) -> ScoreCounts:
    """Count the predictions of a window by their scores, and the customers."""
    rows = connection.execute(
        statement(
            "count_scores",
            complete=_is_complete(needed),
            bins=sql.Literal(score_bins),
            window=window.condition,
        )
    ).fetchall()
    every, complete = np.zeros(score_bins, np.int64), np.zeros(score_bins, np.int64)
    for bin_, is_complete, count in cast("list[tuple[int, bool, int]]", rows):
        every[bin_] += count
        complete[bin_] += count * is_complete
    query = statement("count_distinct_customers", window=window.condition)
    return ScoreCounts(every, complete, cast(int, scalar(connection, query)))


def _count_fields(
    connection: Connection, window: Window, binnings: Sequence[Binning], counts: FieldCounts
) -> None:
    names = [sql.Identifier(one.field) for one in binnings]
    query = statement(
        "count_fields",
        names=sql.SQL(", ").join(names),
        columns=sql.SQL(", ").join(one.column for one in binnings),
        binned=sql.SQL(", ").join(
            sql.SQL("{} AS {}").format(one.bin, sql.Identifier(one.field)) for one in binnings
        ),
        sets=sql.SQL(", ").join(sql.SQL("({})").format(name) for name in names),
        window=window.condition,
    )
    counts.unknown.update((one.field, 0) for one in binnings)
    last = len(binnings) - 1
    rows = cast("list[tuple[int, int | None, int]]", connection.execute(query).fetchall())
    for grouped, bin_, count in rows:
        # Of GROUPING's bits, the first column's the highest, that of the row's own column is 0.
        place = last - (~grouped & ((2 << last) - 1)).bit_length() + 1
        if bin_ is None:
            counts.unknown[binnings[place].field] = count
        else:
            counts.known[binnings[place].field][bin_] = count


def count_days(
    connection: Connection,
    window: Window,
    binning: Binning | None,
    *,
    needed: Sequence[str] = (),
    bins: int = 0,
) -> tuple[list[date], Integers]:
    """Count by day the bins of a field or, without one, of the score where all needed are known.

    Days without predictions are left out. The counts have the shape (days, bins).
    """
    if binning:
        size, bin_, column = binning.size, binning.bin, binning.column
        condition: sql.Composable = sql.SQL("{} IS NOT NULL").format(binning.bin)
    else:
        size, column = bins, sql.SQL("nothing text")
        bin_ = sql.SQL("least(floor(probability_churn * {0})::integer, {0} - 1)").format(
            sql.Literal(bins)
        )
        condition = _is_complete(needed)
    query = statement(
        "count_days", bin=bin_, columns=column, condition=condition, window=window.condition
    )
    rows = cast("list[tuple[date, int, int]]", connection.execute(query).fetchall())
    days = sorted({day for day, _, _ in rows})
    counts = np.zeros((len(days), size), np.int64)
    place = {day: number for number, day in enumerate(days)}
    for day, number, count in rows:
        counts[place[day], number] = count
    return days, counts


def _is_complete(needed: Sequence[str]) -> sql.Composable:
    return sql.SQL("coalesce(features ?& {}::text [], false)").format(sql.Literal(list(needed)))


def find_versions(connection: Connection, start: datetime, end: datetime) -> list[str]:
    """Return the versions that predicted in a span of time, the one with the latest first."""
    query = statement("find_predicting_versions", start=sql.Literal(start), end=sql.Literal(end))
    return [str(row[0]) for row in connection.execute(query).fetchall()]


def count_predictions(connection: Connection, start: datetime, end: datetime) -> int:
    """Count the predictions of all versions in a span of time."""
    query = statement("count_predictions", start=sql.Literal(start), end=sql.Literal(end))
    return cast(int, scalar(connection, query))
