"""Rows in JSON."""

from collections.abc import Mapping, Sequence

from churn.core.errors import InvalidCustomerError
from churn.customer.description import Customer
from churn.pipeline.batch.rows import (
    ROW_ID,
    Rows,
    Unreadable,
    is_row_id,
    read_customer,
    rows_of,
    too_long,
    wrong_row_id,
)
from serving.api.problems import ProblemError
from serving.api.reading import read_object

Read = Mapping[str, object] | InvalidCustomerError
"""The fields of a row, or why it is not a JSON object."""


def read_row(raw: bytes | None, most: int) -> Read:
    """Return the fields of a row; ``raw`` is None for one with more than ``most`` bytes."""
    if raw is None:
        return too_long(most)
    try:
        return read_object(raw)
    except ProblemError as error:
        return Unreadable(error.detail)


def rows_from(found: Sequence[Read]) -> Rows:
    """Return rows by column; any of them may be invalid."""
    return rows_of([_customer(one) for one in found], [_own_id(one) for one in found])


def _own_id(row: Read) -> str:
    own = None if isinstance(row, InvalidCustomerError) else row.get(ROW_ID)
    return own if isinstance(own, str) and is_row_id(own) else ""


def _customer(row: Read) -> Customer | InvalidCustomerError:
    if isinstance(row, InvalidCustomerError):
        return row
    own = row.get(ROW_ID)
    if own is not None and not (isinstance(own, str) and is_row_id(own)):
        return wrong_row_id(own)
    return read_customer({name: value for name, value in row.items() if name != ROW_ID})
