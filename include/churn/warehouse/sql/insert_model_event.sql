INSERT INTO model_events (
    event_id, happened_at, effective_at, kind, version, former,
    actor, database_role, reason, details, former_hash, hash
)
VALUES (
    {event_id}, {happened_at}, {effective_at}, {kind}, {version}, {former},
    {actor}, {database_role}, {reason}, {details}, {former_hash}, {hash}
);
