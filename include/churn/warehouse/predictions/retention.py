"""Drops the months of the prediction log that are past their retention."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Final

from psycopg import sql

from churn.warehouse.connect import Connection, statement
from churn.warehouse.schema import midnight, months_later

_MONTH: Final = re.compile(r"prediction_logs_([0-9]{4})_([0-9]{2})")
_OTHER: Final = sql.Identifier("prediction_logs_other")


def drop_old_predictions(
    connection: Connection, months: int, *, today: date | None = None
) -> Sequence[str]:
    """Drop whole months, older than so many before this one; return the partitions dropped."""
    oldest = months_later((today or datetime.now(UTC).date()).replace(day=1), -months)
    names = [str(row[0]) for row in connection.execute(statement("find_log_partitions")).fetchall()]
    gone = [name for name in names if _is_before(name, oldest)]
    for name in gone:
        connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(name)))
    connection.execute(
        sql.SQL("DELETE FROM {} WHERE predicted_at < {}").format(_OTHER, midnight(oldest))
    )
    return gone


def _is_before(partition: str, oldest: date) -> bool:
    found = _MONTH.fullmatch(partition)
    return found is not None and date(int(found[1]), int(found[2]), 1) < oldest
