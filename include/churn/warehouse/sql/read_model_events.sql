SELECT
    event_id,
    happened_at,
    effective_at,
    kind,
    version,
    former,
    actor,
    database_role,
    reason,
    details,
    former_hash,
    hash
FROM model_events
ORDER BY event_id;
