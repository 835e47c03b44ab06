SELECT pg_try_advisory_xact_lock(hashtext('churn.load')) AS is_ours;
