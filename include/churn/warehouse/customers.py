"""Reads the customers that a model learns from."""

from typing import TYPE_CHECKING

from psycopg import sql

from churn.customer import COLUMNS
from churn.field import Field, Kind
from churn.warehouse.connect import Connection, statement

if TYPE_CHECKING:
    import pandas as pd


def read_customers(connection: Connection) -> "pd.DataFrame":
    """Return every customer, one column per field, in the order of their ids."""
    import pandas as pd

    query = statement("read_customers", columns=sql.SQL(", ").join(map(_selected, COLUMNS)))
    with connection.cursor() as cursor:
        rows = cursor.execute(query).fetchall()
    return pd.DataFrame(rows, columns=[field.name for field in COLUMNS])


def latest_load(connection: Connection) -> int:
    """Return the last load that was cleaned, or 0 where there is none."""
    query = "SELECT coalesce(max(load_id), 0) FROM loads WHERE verdict IN ('pass', 'flag')"
    row = connection.execute(query).fetchone() or (0,)
    return int(str(row[0]))


def _selected(field: Field) -> sql.Composable:
    if field.kind is Kind.MONEY:
        return sql.SQL("{}::float8").format(sql.Identifier(field.name))
    return sql.Identifier(field.name)
