SELECT
    request_id,
    requested_at,
    run,
    reason,
    alarm_ids,
    granted,
    decided_because
FROM retrain_requests
WHERE run = {run};
