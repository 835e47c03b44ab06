"""The assets that DAGs produce and wait for, named once."""

from airflow.sdk import Asset

CHURN_MODEL = Asset(name="churn_model", uri="churn://models/current")
"""A newly published model."""
