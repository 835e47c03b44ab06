"""Reports a failed run of a DAG, once, by the same messages as alarms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk import BaseNotifier

from orchestration.edges import settings

if TYPE_CHECKING:
    from airflow.sdk import Context


class ReportFailedRun(BaseNotifier):
    """Is called when a run has failed or timed out; runs in Airflow's DAG processor."""

    def notify(self, context: Context) -> None:
        """Send a message to each service of CHURN_ALERT_URLS; what fails is logged."""
        from churn.pipeline import alerting

        task = context.get("task")
        alerting.report_failed_run(
            settings().alerts,
            dag=context["dag"].dag_id,
            run_id=str(context["run_id"]),
            reason=str(context.get("reason") or "unknown"),
            task=task.task_id if task else None,
        )
