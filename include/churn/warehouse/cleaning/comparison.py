"""How a file compares with the customers that it will be merged into."""

from dataclasses import dataclass

from churn.warehouse import customers
from churn.warehouse.cleaning.distributions import Column, one_in, read_columns
from churn.warehouse.cleaning.sizes import Absent
from churn.warehouse.cleaning.waiting_load import WaitingLoad
from churn.warehouse.connect import Connection, scalar, statement

_MOST: float = 0.5


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The state before the merge. ``known`` counts the customers.

    ``absent`` is set for a replacement. ``is_older``: every known customer of the file has a later
    snapshot date.
    """

    known: int
    columns: tuple[Column, ...]
    has_known: bool = False
    is_older: bool = False
    absent: Absent | None = None
    one_in: int = 1

    @property
    def covers(self) -> bool:
        """Whether the file has most of the customers."""
        seen = max((column.known for column in self.columns), default=0)
        return seen * self.one_in >= _MOST * self.known > 0


def compare(connection: Connection, load: WaitingLoad, *, replace: bool) -> Comparison:
    """Compare before anything is changed."""
    known = customers.count(connection).customers
    columns = read_columns(connection, load)
    if not known:
        return Comparison(known=0, columns=columns)
    has_known, has_fresh = _read_days(connection, load)
    return Comparison(
        known=known,
        columns=columns,
        has_known=has_known,
        is_older=has_known and not has_fresh,
        absent=_count_absent(connection, load, known) if replace else None,
        one_in=one_in(load.rows),
    )


def _read_days(connection: Connection, load: WaitingLoad) -> tuple[bool, bool]:
    of_file = load.parts("staging", "staged_id", "row_snapshot_date")
    query = statement("has_fresh", known_day=load.known_day("customers"), **of_file)
    row = connection.execute(query).fetchone() or (False, False)
    return bool(row[0]), bool(row[1])


def _count_absent(connection: Connection, load: WaitingLoad, known: int) -> Absent:
    query = statement(
        "count_absent",
        known_day=load.known_day("customers"),
        is_of_sample=statement("is_of_sample"),
        is_absent=load.is_absent(),
        **load.parts("staging", "row_snapshot_date"),
    )
    row = connection.execute(query).fetchone() or (0, 0, 0, 0)
    sample, sample_absent, absent, newer = (int(str(number)) for number in row)
    return Absent(
        known=known, absent=absent, newer=newer, sample=sample, sample_absent=sample_absent
    )


def count_sample(connection: Connection) -> int:
    """Return how many customers are those of the shipped sample."""
    query = statement("count_sample", is_of_sample=statement("is_of_sample"))
    return int(str(scalar(connection, query)))
