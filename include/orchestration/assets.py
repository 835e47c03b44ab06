"""The assets that DAGs produce and wait for, named once."""

from airflow.sdk import Asset

CHURN_MODEL = Asset(name="churn_model", uri="churn://models/current")
"""A newly published model."""

RETRAIN = Asset(name="churn_retrain", uri="churn://models/retrain")
"""A request for a new training, by alarms; the event's ``extra`` has the reason."""
