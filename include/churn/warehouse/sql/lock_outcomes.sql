-- record_outcomes takes the same lock.
SELECT pg_advisory_xact_lock(hashtext('churn.outcomes'));
