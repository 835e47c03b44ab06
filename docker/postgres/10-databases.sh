#!/bin/bash
# Runs once, in an empty data volume: one server, two databases, a role per service.
# local/databases.py does the same for the Docker-free stack.
set -euo pipefail

: "${AIRFLOW_DB_PASSWORD:?}" "${CHURN_PIPELINE_PASSWORD:?}" "${CHURN_SERVING_PASSWORD:?}"

# psql reads the passwords from the environment: an argument would show in the process list.
psql --no-psqlrc --set=ON_ERROR_STOP=1 --username="${POSTGRES_USER:-postgres}" --dbname=postgres <<'SQL'
\getenv airflow_password AIRFLOW_DB_PASSWORD
\getenv pipeline_password CHURN_PIPELINE_PASSWORD
\getenv serving_password CHURN_SERVING_PASSWORD

CREATE ROLE airflow LOGIN PASSWORD :'airflow_password';
CREATE ROLE churn_pipeline LOGIN PASSWORD :'pipeline_password';
CREATE ROLE churn_serving LOGIN PASSWORD :'serving_password';

CREATE DATABASE airflow OWNER airflow TEMPLATE template0 ENCODING 'UTF8';
CREATE DATABASE churn OWNER churn_pipeline TEMPLATE template0 ENCODING 'UTF8';

-- The server's log quotes no rows and no statements, which have customers' ids in them.
ALTER DATABASE churn SET log_error_verbosity = 'terse';
ALTER DATABASE churn SET log_min_error_statement = 'panic';

REVOKE ALL ON DATABASE postgres, template1, airflow, churn FROM PUBLIC;
GRANT CONNECT ON DATABASE churn TO churn_serving;
SQL
