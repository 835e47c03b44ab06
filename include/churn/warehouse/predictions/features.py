"""Reads what logged predictions were made from."""

from collections.abc import Mapping, Sequence
from typing import Any, cast
from uuid import UUID

from churn.warehouse.connect import Connection, run
from churn.warehouse.predictions.counts import Window


def read_features(
    connection: Connection, ids: Sequence[UUID], window: Window
) -> dict[UUID, Mapping[str, Any]]:
    """Return the features of predictions of a window by their ids; some may have none."""
    values = {"ids": list(ids), "start": window.start, "end": window.end}
    rows = run(connection, "read_features", values).fetchall()
    return dict(cast("list[tuple[UUID, Mapping[str, Any]]]", rows))
