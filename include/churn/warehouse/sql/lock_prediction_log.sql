-- record_predictions takes the same lock.
SELECT pg_advisory_xact_lock(hashtext('churn.prediction_logs'));
