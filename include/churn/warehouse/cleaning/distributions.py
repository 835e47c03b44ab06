"""The distribution of each column in a file, and whether it is unusual.

PostgreSQL counts, in a sample of at least 5,000 rows, how often each column has each value (of
numbers: each bin, four to a doubling) and what the customer's value was before. Nothing else is
compared.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

from psycopg import sql

from churn.customer.description import COLUMNS, CUSTOMER_ID
from churn.customer.field import Field, FieldKind
from churn.warehouse.cleaning.distances import (
    BINS_PER_DOUBLING,
    ValueCounts,
    explained_by_chance,
    kolmogorov_smirnov,
    largest_difference,
    median,
    share_of,
    went_constant,
)
from churn.warehouse.cleaning.waiting_load import WaitingLoad
from churn.warehouse.connect import Connection, run, statement

Distributions = Mapping[str, ValueCounts]
"""By column: how often it has each value, or a number in each bin."""

SAMPLED: Final = 5_000
FEWEST: Final = 200
"""A column of fewer rows is not compared: a small file of changes may be unusual."""
NOTABLE: Final = 0.1
GROSS: Final = 0.5


@dataclass(frozen=True)
class Column:
    """A column's values in the sample. ``changes`` counts (before, after) of known customers."""

    field: Field
    values: ValueCounts
    changes: Mapping[tuple[str, str], int]

    @property
    def known(self) -> int:
        """How many of the sampled rows are of a known customer."""
        return sum(self.changes.values())


@dataclass(frozen=True)
class Moved:
    """A column with an unusual distribution, in words. A gross move stops a load."""

    distance: float
    words: str
    is_gross: bool = False


def read_columns(connection: Connection, load: WaitingLoad) -> tuple[Column, ...]:
    """Count the values of a load, each with the customer's value before it."""
    query = statement(
        "count_values",
        judged=load.sampled(one_in=one_in(load.rows)),
        values=sql.SQL(", ").join(map(_compared, _COMPARED)),
    )
    values: dict[str, Counter[str]] = {field.name: Counter() for field in _COMPARED}
    changes: dict[str, Counter[tuple[str, str]]] = {field.name: Counter() for field in _COMPARED}
    for name, before, after, number in connection.execute(query).fetchall():
        values[str(name)][str(after)] += cast(int, number)
        if before is not None:
            changes[str(name)][str(before), str(after)] += cast(int, number)
    return tuple(Column(f, values[f.name], changes[f.name]) for f in _COMPARED)


def one_in(rows: int) -> int:
    """Return n, where one row of n is sampled."""
    return max(1, rows // SAMPLED)


def read_distributions(
    connection: Connection, load_id: int, *, loads: int, has_known: bool
) -> tuple[Distributions, ...]:
    """Return those of the last accepted loads, without the sample's for other customers."""
    values: dict[str, object] = {"load_id": load_id, "loads": loads, "has_known": has_known}
    rows = run(connection, "read_distributions", values).fetchall()
    return tuple(cast(Distributions, row[0]) for row in rows)


def distributions_of(columns: Iterable[Column]) -> dict[str, dict[str, int]]:
    """Return what later loads are compared with."""
    return {column.field.name: dict(column.values) for column in columns}


def find_moved(
    columns: Iterable[Column], earlier: Sequence[Distributions], *, covers: bool
) -> tuple[Moved, ...]:
    """Return the columns that are not as usual, the farthest first.

    What the known customers had before is compared first: unlike a distribution, it shows two
    columns swapped that are distributed alike. ``covers``: the file has most customers;
    a smaller one may be of customers chosen for a change. A column also counts as moved when it is
    far from each of the ``earlier`` loads.
    """
    found = (_changed(c, covers=covers) or _differs(c, earlier) for c in columns)
    return tuple(sorted(filter(None, found), key=lambda one: -one.distance))


def _changed(column: Column, *, covers: bool) -> Moved | None:
    if column.known < FEWEST:
        return None
    before, after = _side(column.changes, 0), _side(column.changes, 1)
    share = sum(n for (old, new), n in column.changes.items() if old != new) / column.known
    far = kolmogorov_smirnov(before, after) if column.field.is_number else share
    is_gross = max(far, _doubled(column)) >= GROSS
    if not is_gross and not (covers and far >= NOTABLE) and not went_constant(before, after):
        return None
    words = (
        f"the median is about {median(after)}, where the same customers had {median(before)}"
        if column.field.is_number
        else f"{share:.1%} of the known customers changed, {_commonest(column)}"
    )
    return Moved(far, f"{column.field.name}: {words}", is_gross=covers and is_gross)


def _doubled(column: Column) -> float:
    """Return the share of the known customers whose number doubled or halved at least."""
    if not column.field.is_number:
        return 0.0
    pairs = column.changes.items()
    moved = [n for (old, new), n in pairs if abs(int(old) - int(new)) >= BINS_PER_DOUBLING]
    return sum(moved) / column.known


def _differs(column: Column, earlier: Sequence[Distributions]) -> Moved | None:
    field, now = column.field, column.values
    counted = (one.get(field.name, {}) for one in earlier)
    usual = [counts for counts in counted if sum(counts.values()) >= FEWEST]
    if sum(now.values()) < FEWEST or not usual or not all(_is_far(field, now, u) for u in usual):
        return None
    last = usual[0]
    if field.is_number:
        words = f"the median is about {median(now)}, where the last loads had {median(last)}"
    else:
        value = max({*now, *last}, key=lambda one: abs(share_of(now, one) - share_of(last, one)))
        words = (
            f"{share_of(now, value):.1%} are {_shown(field, value)}, "
            f"where it was {share_of(last, value):.1%} in the last load"
        )
    return Moved(_distance(field, now, last), f"{field.name}: {words}")


def _is_far(field: Field, now: ValueCounts, usual: ValueCounts) -> bool:
    far = _distance(field, now, usual)
    noise = explained_by_chance(sum(now.values()), sum(usual.values()))
    return far >= max(NOTABLE, noise) or went_constant(usual, now)


def _distance(field: Field, one: ValueCounts, other: ValueCounts) -> float:
    return (kolmogorov_smirnov if field.is_number else largest_difference)(one, other)


def _side(changes: Mapping[tuple[str, str], int], place: int) -> Counter[str]:
    counts: Counter[str] = Counter()
    for pair, number in changes.items():
        counts[pair[place]] += number
    return counts


def _commonest(column: Column) -> str:
    pairs = {pair: n for pair, n in column.changes.items() if pair[0] != pair[1]}
    if not pairs:
        return "as all have one value"
    old, new = (_shown(column.field, value) for value in max(pairs, key=lambda p: pairs[p]))
    return f"most often from {old} to {new}"


def _shown(field: Field, value: str) -> str:
    return repr(field.label(value == "true") if field.kind is FieldKind.FLAG else value)


def _compared(field: Field) -> sql.Composable:
    name, now = sql.Literal(field.name), sql.Identifier("judged", field.name)
    before = sql.Identifier("customers", field.name)
    return sql.SQL("({}, {}, {})").format(name, _counted(field, before), _counted(field, now))


def _counted(field: Field, value: sql.Composable) -> sql.Composable:
    if not field.is_number:
        return sql.SQL("{}::text").format(value)
    return sql.SQL("floor({} * ln(1 + {}::float8) / ln(2))::int::text").format(
        sql.Literal(BINS_PER_DOUBLING), value
    )


_COMPARED: Final = tuple(field for field in COLUMNS if field is not CUSTOMER_ID)
