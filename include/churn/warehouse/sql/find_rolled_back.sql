-- The last rollback from a version with this fingerprint, unless one was promoted since.
SELECT
    events.former,
    events.happened_at,
    events.actor,
    events.reason
FROM model_events AS events
INNER JOIN model_versions AS versions ON events.former = versions.version
WHERE
    events.kind = 'rolled back'
    AND versions.manifest ->> 'fingerprint' = {fingerprint}
    AND NOT EXISTS (
        SELECT FROM model_events AS later
        INNER JOIN model_versions AS again ON later.version = again.version
        WHERE
            later.event_id > events.event_id
            AND later.kind IN ('promoted', 'rolled back')
            AND again.manifest ->> 'fingerprint' = {fingerprint}
    )
ORDER BY events.event_id DESC
LIMIT 1;
