"""A monitoring run as the DAG makes it: the same steps as ``churn monitor``."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from airflow.sdk.exceptions import AirflowSkipException

from orchestration.edges import settings
from orchestration.params import param

if TYPE_CHECKING:
    from churn.core.monitor_options import MonitorOptions
    from churn.registry.model_registry import ModelRegistry
    from churn.warehouse.connect import Connection

log = logging.getLogger(__name__)


def watch(registry: ModelRegistry) -> int:
    """Monitor as the run's params state; return how many alarms are open.

    A live version that does worse than its predecessor is rolled back, if the setting is on. A
    run that is about an earlier day rolls nothing back.

    Raises:
        AirflowSkipException: nothing has been published yet.
    """
    from churn.core.errors import NoModelError
    from churn.monitoring.incidents import read_incidents
    from churn.pipeline.monitor import monitor, roll_back_if_worse

    try:
        report = monitor(registry.connection, registry.store, _options(), as_of=_as_of())
    except NoModelError as error:
        raise AirflowSkipException(str(error)) from None
    log.info("%s", report.text())
    registry.connection.commit()
    if _as_of() is None:
        roll_back_if_worse(registry, report, _options())
    return len(read_incidents(registry.connection, open_only=True))


def _options() -> MonitorOptions:
    options, window = settings().monitor, param("window")
    return replace(options, window_days=window) if window else options


def _as_of() -> datetime | None:
    """Return the beginning of the day that the run is about, or None for now."""
    day = param("as_of")
    return datetime.fromisoformat(day).replace(tzinfo=UTC) if day else None


def send_messages(connection: Connection) -> int:
    """Send the messages that are due; return how many services took theirs."""
    from churn.pipeline.alerting import send_due

    return sum(one.is_sent for one in send_due(connection, settings().alerts))
