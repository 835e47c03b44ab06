-- An enum takes 4 bytes where its longest text takes 20, and needs no check.
DO $$
BEGIN
    IF to_regtype({type_name}) IS NULL THEN
        CREATE TYPE {type} AS ENUM ({choices});
    END IF;
END
$$;
