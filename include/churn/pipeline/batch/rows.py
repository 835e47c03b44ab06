"""Rows of a batch, by column."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from churn.core.errors import InvalidCustomerError, Problem
from churn.customer.description import CUSTOMER_ID, FEATURES, Customer
from churn.customer.identifier import LONGEST_IDENTIFIER
from churn.customer.parsing import parse_customer
from churn.model.block import Block, block_of

ROW_ID: Final = "row_id"
"""The name of the caller's own id of a row."""

LONGEST_ROW: Final = 1 << 16
"""In bytes."""

CACHED_BYTES: Final = 1 << 17
"""Bytes of rows that are processed at once: their cells fit into a processor's cache."""

_NO_TEXT: Final = re.compile("[\\ud800-\\udfff]")

Errors = Mapping[int, InvalidCustomerError]


class Unreadable(InvalidCustomerError):  # noqa: N818 - it is an answer, rarely raised
    """A row, or the rest of a batch, that cannot be read at all."""

    def __init__(self, detail: str) -> None:
        super().__init__(())
        self.args = (detail,)


@dataclass(frozen=True)
class Rows:
    """Rows in their order: the customer of each, or by its place the error why it cannot be read.

    ``row_ids`` are the caller's own ids, if there are any; ``contents`` returns a text of a row's
    values, to recognise the same row again.
    """

    block: Block
    customer_ids: Sequence[str]
    errors: Errors
    row_ids: Sequence[str] = ()
    contents: Callable[[int], str] = field(default=str)

    def __len__(self) -> int:
        return len(self.customer_ids)

    def only(self, places: NDArray[np.intp]) -> "Rows":
        """Return some rows without errors; their contents and own ids are omitted."""
        return Rows(self.block.only(places), [self.customer_ids[p] for p in places.tolist()], {})


def too_long(most: int) -> InvalidCustomerError:
    """Return what is wrong with a row of more bytes."""
    return Unreadable(f"a row takes at most {most:,} bytes")


def is_row_id(own: str) -> bool:
    """Whether a text can be a caller's own id of a row."""
    return 0 < len(own) <= LONGEST_IDENTIFIER and not _NO_TEXT.search(own)


def wrong_row_id(own: object) -> InvalidCustomerError:
    """Return what is wrong with a row whose id cannot be one."""
    return InvalidCustomerError((Problem(ROW_ID, own, CUSTOMER_ID.allowed),))


def read_customer(raw: Mapping[str, object]) -> Customer | InvalidCustomerError:
    """Return the customer of a row, or why it cannot be read."""
    try:
        customer = parse_customer(raw)
    except InvalidCustomerError as error:
        return error
    if any(field.name in customer for field in FEATURES):
        return customer
    names = ", ".join(field.name for field in FEATURES)
    return Unreadable(f"give at least one of {names}")


def rows_of(found: Sequence[Customer | InvalidCustomerError], row_ids: Sequence[str]) -> Rows:
    """Return rows that were read one by one."""
    errors = {p: one for p, one in enumerate(found) if isinstance(one, InvalidCustomerError)}
    unknown = parse_customer({})
    customers = [unknown if isinstance(one, InvalidCustomerError) else one for one in found]
    return Rows(
        block_of(customers),
        [str(customer.get(CUSTOMER_ID.name, "")) for customer in customers],
        errors,
        row_ids,
        lambda place: repr(sorted(customers[place].items())),
    )
