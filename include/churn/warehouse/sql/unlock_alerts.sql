SELECT pg_advisory_unlock(hashtext('churn.alerts'));
