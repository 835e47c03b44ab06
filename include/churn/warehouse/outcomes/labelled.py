"""Reads the predictions of a window with the labels that are known of them at a moment.

docs/outcomes.md has the rule. A customer who is predicted five times a day is five predictions.
"""

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from churn.customer.description import MONTHLY_CHARGES
from churn.warehouse.connect import Connection, statement
from churn.warehouse.copied_rows import copied_rows

CHURNED: Final = 1
RETAINED: Final = 0
UNKNOWN: Final = -1
"""There is no label yet, or no statement whether the customer was contacted."""

_EPOCH: Final = np.datetime64("2000-01-01", "D")
"""Day 0 of PostgreSQL's dates."""
_TYPES: Final = {
    "day": (">i4", "i8"),
    "probability": (">f8", "f8"),
    "advised": ("?", "?"),
    "threshold": (">f8", "f8"),
    "monthly_charges": (">f8", "f8"),
    "label": (">i2", "i1"),
    "contacted": (">i2", "i1"),
    "prediction_id": ("V16", "V16"),
    "customer": (">i8", "i8"),
}
"""How PostgreSQL sends each column, and how it is kept."""


@dataclass(frozen=True)
class Labelled:
    """Predictions in any order, each array of shape (predictions,).

    ``day`` is that of the prediction in UTC. ``advised``: the answer advised to contact the
    customer. ``monthly_charges`` is NaN where unknown. ``label`` and ``contacted`` are 1, 0 or
    ``UNKNOWN``; ``prediction_id`` has the 16 bytes of a UUID. ``customer`` is a number that stands
    for the customer; a prediction without a customer's id has a number of its own.
    """

    day: NDArray[np.datetime64]
    probability: NDArray[np.float64]
    advised: NDArray[np.bool_]
    threshold: NDArray[np.float64]
    monthly_charges: NDArray[np.float64]
    label: NDArray[np.int8]
    contacted: NDArray[np.int8]
    prediction_id: NDArray[np.void]
    customer: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.label)

    def only(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> "Labelled":
        """Return some of the predictions."""
        return Labelled(*(getattr(self, field.name)[chosen] for field in fields(self)))


def read_labelled(  # noqa: PLR0913 - the window, the version, the moment and the maturity
    connection: Connection,
    model_version: str | None = None,
    *,
    since: datetime,
    until: datetime,
    as_of: datetime,
    maturity: timedelta,
) -> Labelled:
    """Return the predictions with since <= predicted_at < until, of one version or of all.

    Statements that were observed or recorded after ``as_of`` do not exist.
    """
    within = sql.SQL("make_interval(secs => {})").format(maturity.total_seconds())
    is_of_version: sql.Composable = sql.SQL("true")
    if model_version is not None:
        is_of_version = sql.SQL("log.model_version = {}").format(model_version)
    query = statement(
        "read_labelled",
        as_of=sql.Literal(as_of),
        since=sql.Literal(since),
        until=sql.Literal(until),
        maturity=within,
        is_of_version=is_of_version,
        monthly_charges=sql.Literal(MONTHLY_CHARGES.name),
        churned=_last_recorded("churned"),
        contacted=_last_recorded("contacted"),
        contacted_before_label=statement("contacted_before_label", maturity=within),
    )
    with connection.transaction():
        connection.execute(statement("tune_labels"))
        rows = copied_rows(connection, query, [(name, sent) for name, (sent, _) in _TYPES.items()])
    columns = {name: rows[name].astype(kept) for name, (_, kept) in _TYPES.items()}
    return Labelled(**{**columns, "day": _EPOCH + columns["day"]})


def _last_recorded(column: str) -> sql.Composed:
    return statement("last_recorded", column=sql.Identifier(column))
