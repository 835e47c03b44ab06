SELECT pg_advisory_lock(hashtext('churn.alerts'));
