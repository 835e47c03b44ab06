INSERT INTO retrain_requests (requested_at, run, reason, alarm_ids, granted, decided_because)
VALUES ({requested_at}, {run}, {reason}, {alarm_ids}, {granted}, {decided_because});
