#!/bin/bash
# Runs before the other Airflow parts, at every start: the metadata database, then the administrator.
set -euo pipefail

: "${AIRFLOW_ADMIN_USER:?}" "${AIRFLOW_ADMIN_PASSWORD:?}"

airflow db migrate

# Given on standard input: an argument would show in the process list.
type_twice() { printf '%s\n%s\n' "$AIRFLOW_ADMIN_PASSWORD" "$AIRFLOW_ADMIN_PASSWORD"; }

answer=$(type_twice | airflow users create --username "$AIRFLOW_ADMIN_USER" --role Admin \
    --firstname Churn --lastname Administrator --email "$AIRFLOW_ADMIN_USER@localhost")
printf '%s\n' "$answer"
# An existing user keeps the password it had: give it the one in .env.
[[ $answer == *'created with role'* ]] ||
    type_twice | airflow users reset-password --username "$AIRFLOW_ADMIN_USER"
