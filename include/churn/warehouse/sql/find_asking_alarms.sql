-- Open incidents that ask for a new training and for which none was granted yet.
SELECT
    alarm_id,
    kind,
    subject,
    sentence
FROM alarms
WHERE
    closed_at IS NULL
    AND asks_retrain
    AND NOT EXISTS (
        SELECT 1 FROM retrain_requests
        WHERE retrain_requests.granted AND alarms.alarm_id = any(retrain_requests.alarm_ids)
    )
ORDER BY alarm_id;
