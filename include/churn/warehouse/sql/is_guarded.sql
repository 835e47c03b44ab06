SELECT count(*) > 0 AS is_guarded FROM pg_trigger
WHERE
    tgrelid = 'model_events'::regclass
    AND tgname = 'model_events_are_append_only'
    AND tgenabled = 'A';
