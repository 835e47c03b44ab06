"""What the DAGs share; the only shared code that knows Airflow."""
