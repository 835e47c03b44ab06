"""Names that Airflow, the local stack and messages share."""

from typing import Final

TRAINING_DAG: Final = "churn_training"

MONITORING_DAG: Final = "churn_monitoring"
