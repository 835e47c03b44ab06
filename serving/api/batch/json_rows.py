"""Rows that were JSON."""

from collections.abc import Sequence
from typing import Final

from churn.customer import Known
from churn.errors import InvalidCustomerError, Problem
from serving.api.batch.rows import LONGEST_ID, ROW_ID, Rows, Unreadable, read_known, rows_of


class _Twice:
    """Stands for an object that has a name twice."""


TWICE: Final = _Twice()


def rows_from(found: Sequence[object]) -> Rows:
    """Return rows of JSON values, any of which may be no customer."""
    return rows_of([_known(one) for one in found], [_own_id(one) for one in found])


def _own_id(row: object) -> str:
    own = row.get(ROW_ID) if isinstance(row, dict) else None
    return own if isinstance(own, str) else ""


def _known(row: object) -> Known | InvalidCustomerError:
    if isinstance(row, InvalidCustomerError):
        return row
    if row is TWICE:
        return Unreadable("a name is there twice")
    if not isinstance(row, dict):
        return Unreadable('this is not a JSON object such as {"tenure": 5}')
    own = row.get(ROW_ID)
    if own is not None and not (isinstance(own, str) and 0 < len(own) <= LONGEST_ID):
        expected = f"a text of 1 to {LONGEST_ID} characters"
        return InvalidCustomerError((Problem(ROW_ID, own, expected),))
    return read_known({name: value for name, value in row.items() if name != ROW_ID})
