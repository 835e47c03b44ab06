SELECT version FROM model_versions
WHERE
    NOT EXISTS (
        SELECT FROM model_events
        WHERE model_events.version = model_versions.version AND model_events.kind = 'retired'
    );
