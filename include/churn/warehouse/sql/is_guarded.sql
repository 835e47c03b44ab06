-- 58: before (2) a statement that deletes (8), updates (16) or truncates (32); see pg_trigger.h.
SELECT count(*) > 0 AS is_guarded FROM pg_trigger
INNER JOIN pg_proc ON pg_trigger.tgfoid = pg_proc.oid
INNER JOIN pg_language ON pg_proc.prolang = pg_language.oid
WHERE
    pg_trigger.tgrelid = 'model_events'::regclass
    AND pg_trigger.tgname = 'model_events_are_append_only'
    AND pg_trigger.tgenabled = 'A'
    AND pg_trigger.tgtype = 58
    AND pg_trigger.tgattr::text = ''
    AND pg_trigger.tgqual IS NULL
    AND pg_language.lanname = 'plpgsql'
    AND pg_proc.prosrc = {body};
