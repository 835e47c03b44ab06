"""Counts outcomes and the predictions that they label."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from churn.warehouse.connect import Connection, statement
from churn.warehouse.outcomes.labelled import CHURNED, UNKNOWN, read_labelled
from churn.warehouse.outcomes.record import count_unknown

_BEGINNING: Final = datetime(1, 1, 1, tzinfo=UTC)
_END: Final = datetime(9999, 12, 31, tzinfo=UTC)


@dataclass(frozen=True)
class OutcomeCounts:
    """Outcomes by source, those of the customer files included, and what they label.

    ``unknown_predictions`` and ``unknown_customers`` count outcomes that label nothing: the log
    lacks the prediction, or any of the customer. ``coverage`` is the share of the predictions that
    have a label.
    """

    outcomes: Mapping[str, int]
    unknown_predictions: int
    unknown_customers: int
    predictions: int
    labelled: int
    churned: int
    coverage: float


def count_outcomes(
    connection: Connection, *, as_of: datetime, maturity: timedelta
) -> OutcomeCounts:
    """Count all outcomes and all predictions of the log."""
    rows = connection.execute(statement("count_outcomes")).fetchall()
    unknown = count_unknown(connection)
    found = read_labelled(connection, since=_BEGINNING, until=_END, as_of=as_of, maturity=maturity)
    labelled = int((found.label != UNKNOWN).sum())
    return OutcomeCounts(
        outcomes={str(source): int(str(number)) for source, number in rows},
        unknown_predictions=unknown.predictions,
        unknown_customers=unknown.customers,
        predictions=len(found),
        labelled=labelled,
        churned=int((found.label == CHURNED).sum()),
        coverage=labelled / len(found) if len(found) else 0.0,
    )
