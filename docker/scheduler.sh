#!/bin/bash
# The scheduler. Where nothing was ever published, it also starts the first training.
set -euo pipefail

: "${CHURN_MODEL_STORE:?}"

# Airflow refuses a second run of the same id; until the DAG has been read it knows none of it.
first_training() {
    local answer
    for _ in {1..60}; do
        answer=$(airflow dags trigger churn_training --run-id first_start 2>&1) && break
        [[ $answer == *"already exists"* ]] && break
        sleep 3
    done
}

# In a subshell that ends at once: init is then the parent of what goes on.
[[ -e $CHURN_MODEL_STORE/CURRENT ]] || (first_training &)
exec airflow scheduler
