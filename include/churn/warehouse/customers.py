"""Reads the customers for training, as they are and as they were at a load."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from psycopg import sql

from churn.core.errors import DataQualityError
from churn.customer.description import COLUMNS, MONTHLY_CHARGES, OPTIONAL, TENURE, TOTAL_CHARGES
from churn.customer.field import Field, FieldKind
from churn.customer.look_alikes import BITS
from churn.warehouse.connect import Connection, placeholders, run, scalar, statement

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Snapshot:
    """The customers after the last load; the fingerprint is a hash of every row."""

    load_id: int
    customers: int
    fingerprint: str


@dataclass(frozen=True)
class Population:
    """How many customers there are, and how many of them churned."""

    customers: int
    churned: int


NOW: Final = sql.SQL("customers")


def begin_snapshot(connection: Connection) -> None:
    """Let every query of this transaction see the same customers."""
    connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")


def as_of(load_id: int) -> sql.Composed:
    """Return what stands for the table ``customers`` as it was when a load had finished."""
    columns = sql.SQL(", ").join(sql.Identifier(field.name) for field in COLUMNS)
    query = statement("customers_as_of", columns=columns, load_id=sql.Literal(load_id))
    return sql.SQL("({}) AS customers").format(query)


def read_customers(connection: Connection, source: sql.Composable = NOW) -> "pd.DataFrame":
    """Return every customer, one column per field, in the order of their ids."""
    require_complete(connection, source)
    return _read(connection, statement("read_customers", columns=_COLUMNS, source=source))


def count(connection: Connection, source: sql.Composable = NOW) -> Population:
    """Return how many customers there are, and how many churned."""
    row = connection.execute(statement("count_customers", source=source)).fetchone() or (0, 0)
    return Population(int(str(row[0])), int(str(row[1])))


def read_some(
    connection: Connection, hashes: Sequence[int], source: sql.Composable = NOW
) -> "pd.DataFrame":
    """Return the customers whose ids have these hashes, see ``churn.customer.look_alikes``."""
    values = {"hashes": hashes}
    query = statement(
        "read_some", columns=_COLUMNS, source=source, hash=HASH, **placeholders(values)
    )
    return _read(connection, query, values)


def take_snapshot(connection: Connection, load_id: int, source: sql.Composable = NOW) -> Snapshot:
    """Return the hash over all customers: of 256 hashes of parts, as in a tree (Merkle, 1987).

    PostgreSQL computes it row by row in any order, so its memory stays flat.
    """
    row_text = sql.SQL(", ").join(map(_canonical, COLUMNS))
    query = statement("fingerprint_customers", source=source, columns=row_text)
    fingerprint, customers = connection.execute(query).fetchone() or ("", 0)
    return Snapshot(load_id, int(str(customers)), str(fingerprint))


def latest_load(connection: Connection) -> int:
    """Return the load that was cleaned last, or 0 where there is none."""
    row = connection.execute(statement("find_latest_load")).fetchone() or (0,)
    return int(str(row[0]))


def require_complete(connection: Connection, source: sql.Composable = NOW) -> None:
    """Refuse customers without a value of a field that is newer than their last load.

    Raises:
        DataQualityError: with how many there are.
    """
    values = {"fields": [field.name for field in COLUMNS if field not in OPTIONAL]}
    for (name,) in run(connection, "find_nullable_columns", values).fetchall():
        column = sql.Identifier(str(name))
        count = sql.SQL("SELECT count(*) FROM {} WHERE {} IS NULL").format(source, column)
        if lacking := int(str(scalar(connection, count))):
            raise DataQualityError(
                f"{lacking:,} customers have no {name}, which is newer than their last load; "
                "load a file of all customers that has the column"
            )


def _read(
    connection: Connection, query: sql.Composed, values: Mapping[str, object] | None = None
) -> "pd.DataFrame":
    import pandas as pd

    with connection.cursor() as cursor:
        rows = cursor.execute(query, values).fetchall()
    return pd.DataFrame(rows, columns=[field.name for field in COLUMNS])


def selected(field: Field) -> sql.Composable:
    """Return a field for training; an unknown total is ``tenure`` times the monthly charges."""
    name = sql.Identifier(field.name)
    if field is TOTAL_CHARGES:
        parts = map(sql.Identifier, (field.name, TENURE.name, MONTHLY_CHARGES.name))
        return sql.SQL("coalesce({}, {} * {})::float8 AS {}").format(*parts, name)
    if field.kind is FieldKind.MONEY:
        return sql.SQL("{}::float8").format(name)
    return name


def _canonical(field: Field) -> sql.Composable:
    """20.5 and 20.50 are the same amount."""
    if field.kind is FieldKind.MONEY:
        return sql.SQL("trim_scale({})").format(sql.Identifier(field.name))
    return sql.Identifier(field.name)


HASH: Final = sql.SQL("('x' || left(md5(customer_id), {}))::bit({})::bigint").format(
    sql.Literal(BITS // 4), sql.Literal(BITS)
)
"""The hash of a customer's id, see ``churn.customer.look_alikes``."""

_COLUMNS: Final = sql.SQL(", ").join(map(selected, COLUMNS))
