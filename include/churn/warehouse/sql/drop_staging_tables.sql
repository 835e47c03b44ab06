-- One load at a time: what an interrupted load left behind goes first.
DO $$
DECLARE
    leftover text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('churn.load'));
    FOR leftover IN
        SELECT quote_ident(relname) FROM pg_class
        WHERE
            relname ~ '^staging_(incoming|load_[0-9]+)$' AND relkind = 'r'
            AND pg_table_is_visible(oid)
    LOOP
        EXECUTE 'DROP TABLE ' || leftover;
    END LOOP;
END
$$;
