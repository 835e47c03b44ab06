"""Reads rows of fixed size by COPY's binary format (PostgreSQL's manual, COPY, "Binary Format")."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from churn.warehouse.connect import Connection

_HEADER: Final = 19
_TRAILER: Final = 2


def copied_rows(
    connection: Connection, query: sql.Composed, types: Sequence[tuple[str, str]]
) -> NDArray[Any]:
    """Return a structured array of the rows of a query; none of its values may be NULL.

    ``types`` are the columns' names and their types in network byte order, ``>i4`` for one.
    """
    content = bytearray()
    copy = sql.SQL("COPY ({}) TO STDOUT (FORMAT binary)").format(query)
    with connection.cursor() as cursor, cursor.copy(copy) as stream:
        for chunk in stream:
            content += chunk
    row = _row(types)
    count = (len(content) - _HEADER - _TRAILER) // row.itemsize
    return np.frombuffer(content, dtype=row, offset=_HEADER, count=count)


def _row(types: Sequence[tuple[str, str]]) -> np.dtype[Any]:
    """Return a row: the number of its columns, and each value after its size in bytes."""
    columns = (part for name, kind in types for part in ((f"{name}_size", ">i4"), (name, kind)))
    return np.dtype([("columns", ">i2"), *columns])
