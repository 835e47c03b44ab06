"""The request of alarms for a training, as an event of an asset that the training DAG waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowSkipException

from orchestration.assets import RETRAIN
from orchestration.edges import settings

if TYPE_CHECKING:
    from churn.warehouse.connect import Connection

_REASON: Final = "reason"
_ALARMS: Final = "alarm_ids"


def request_training(connection: Connection) -> None:
    """Emit an event with the reason if open alarms request a training and it is granted.

    Raises:
        AirflowSkipException: none requests it, or it is held back; with the reason.
    """
    from churn.pipeline.retraining import request_retrain

    context = get_current_context()
    found = request_retrain(connection, settings().retrain, f"Airflow run {context['run_id']}")
    connection.commit()  # what is held back is recorded, though the task is skipped
    if found is None:
        raise AirflowSkipException("no open alarm requests a training that was not granted before")
    if not found.granted:
        raise AirflowSkipException(f"the training is held back: {found.decided_because}")
    context["outlet_events"][RETRAIN].extra = {
        _REASON: found.reason,
        _ALARMS: list(found.alarm_ids),
    }


def requested_because() -> str | None:
    """Return why alarms requested this run, if they did."""
    events = get_current_context().get("triggering_asset_events") or {}
    reasons = [str(event.extra.get(_REASON, "")) for event in events.get(RETRAIN) or ()]
    found = "; ".join(dict.fromkeys(reason for reason in reasons if reason))
    return found or ("an event without a reason" if reasons else None)
