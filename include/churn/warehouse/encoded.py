"""Reads customers in few bytes each, by COPY's binary format."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from churn.customer.field import FieldKind
from churn.customer.profile import AMOUNTS, DIGITS, Digit
from churn.warehouse.connect import Connection, statement
from churn.warehouse.customers import HASH, NOW, require_complete, selected

_HEADER: Final = 19
_TRAILER: Final = 2
_ROW: Final = np.dtype(
    [("fields", ">i2")]
    + [
        part
        for n, t in (("code", ">i8"), *((field.name, ">f8") for field in AMOUNTS), ("hash", ">i8"))
        for part in ((f"{n}_size", ">i4"), (n, t))
    ]
)
"""A row of COPY's binary format (PostgreSQL's manual, COPY, "Binary Format")."""


@dataclass(frozen=True)
class EncodedRows:
    """Profile numbers, hashes of the ids, and amounts by field, each of shape (customers,)."""

    codes: NDArray[np.int64]
    hashes: NDArray[np.int64]
    amounts: Mapping[str, NDArray[np.float64]]


def read_encoded(connection: Connection, source: sql.Composable = NOW) -> EncodedRows:
    """Return every customer, in any order."""
    require_complete(connection, source)
    query = statement(
        "read_encoded",
        code=sql.SQL(" + ").join(map(_digit, DIGITS.values())),
        amounts=sql.SQL(", ").join(map(selected, AMOUNTS)),
        hash=HASH,
        source=source,
    )
    content = bytearray()
    with connection.cursor() as cursor, cursor.copy(query) as stream:
        for chunk in stream:
            content += chunk
    rows = np.frombuffer(content, dtype=_ROW, offset=_HEADER, count=_count(content))
    amounts = {field.name: rows[field.name].astype(float) for field in AMOUNTS}
    return EncodedRows(rows["code"].astype(np.int64), rows["hash"].astype(np.int64), amounts)


def _count(content: bytearray) -> int:
    return (len(content) - _HEADER - _TRAILER) // _ROW.itemsize


def _digit(digit: Digit) -> sql.Composable:
    """Return a field's value as its digit of the profile's number."""
    name, factor = sql.Identifier(digit.field.name), sql.Literal(digit.factor)
    if digit.field.kind is FieldKind.COUNT:
        return sql.SQL("{}::bigint * {}").format(name, factor)
    whens = [
        sql.SQL("WHEN {} THEN {}::bigint").format(sql.Literal(value), index * digit.factor)
        for index, value in enumerate(digit.field.values)
    ]
    return sql.SQL("CASE {} {} END").format(name, sql.SQL(" ").join(whens))
