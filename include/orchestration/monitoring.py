"""A monitoring run as the DAG makes it: the same steps as ``churn monitor``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from orchestration.edges import model_store, settings
from orchestration.params import param

if TYPE_CHECKING:
    from churn.warehouse.connect import Connection


def watch(connection: Connection) -> int:
    """Monitor as the run's params state, and update the incidents; return how many are open."""
    from churn.monitoring.incidents import read_incidents, update_incidents
    from churn.pipeline.monitor import monitor

    moment = as_of()
    found = monitor(
        connection, model_store(), settings().monitor, as_of=moment, window=param("window")
    )
    update_incidents(connection, found.alarms, found.judged, moment)
    return len(read_incidents(connection, open_only=True))


def as_of() -> datetime:
    """Return the moment that the run is about: the beginning of a day, or now."""
    day = param("as_of")
    return datetime.fromisoformat(day).replace(tzinfo=UTC) if day else datetime.now(UTC)


def send_messages(connection: Connection) -> int:
    """Send the messages that are due; return how many services took theirs."""
    from churn.pipeline.alerting import send_due

    return sum(one.is_sent for one in send_due(connection, settings().alerts))
