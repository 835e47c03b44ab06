-- Drops the staging tables of interrupted loads. A load that is not yet cleaned keeps its table for
-- a day.
DO $$
DECLARE
    abandoned record;
BEGIN
    FOR abandoned IN
        SELECT pg_class.oid::regclass AS name FROM pg_class
        LEFT JOIN loads ON loads.load_id = substring(relname FROM '[0-9]+$')::bigint
        WHERE
            relname ~ '^staging_load_[0-9]+$' AND relkind = 'r' AND pg_table_is_visible(pg_class.oid)
            AND (
                loads.load_id IS NULL OR loads.verdict IS NOT NULL
                OR loads.loaded_at < now() - interval '1 day'
            )
    LOOP
        EXECUTE format('DROP TABLE %s', abandoned.name);
    END LOOP;
END
$$;
