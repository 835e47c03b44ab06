SELECT
    event_id,
    hash,
    clock_timestamp() AS happened_at,
    session_user::text AS database_role
FROM (
    SELECT
        event_id,
        hash
    FROM model_events
    UNION ALL
    SELECT
        0 AS event_id,
        {genesis} AS hash
) AS events
ORDER BY event_id DESC
LIMIT 1;
