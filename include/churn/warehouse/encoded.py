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
from churn.warehouse.copied_rows import copied_rows
from churn.warehouse.customers import HASH, NOW, require_complete, selected

_TYPES: Final = (("code", ">i8"), *((field.name, ">f8") for field in AMOUNTS), ("hash", ">i8"))


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
    rows = copied_rows(connection, query, _TYPES)
    amounts = {field.name: rows[field.name].astype(float) for field in AMOUNTS}
    return EncodedRows(rows["code"].astype(np.int64), rows["hash"].astype(np.int64), amounts)


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
