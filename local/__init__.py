"""The stack on one machine without Docker: PostgreSQL, Airflow, the service, one supervisor."""
