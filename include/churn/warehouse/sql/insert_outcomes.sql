SELECT
    recorded,
    erased
FROM record_outcomes({statements}::jsonb, {source});
