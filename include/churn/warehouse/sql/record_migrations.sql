-- A database of release 0.1.0 has the tables of migration 1 and no record of it.
DO $$
BEGIN
    IF to_regclass('schema_migrations') IS NULL THEN
        CREATE TABLE schema_migrations (
            number integer PRIMARY KEY,
            name text NOT NULL,
            applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
        );
        IF to_regclass('loads') IS NOT NULL THEN
            INSERT INTO schema_migrations (number, name) VALUES (1, 'tables');
        END IF;
    END IF;
END
$$;
