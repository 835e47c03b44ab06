-- Each enum type of this schema and its values.
SELECT
    types.typname,
    array_agg(choices.enumlabel::text) AS labels
FROM pg_type AS types
INNER JOIN pg_enum AS choices ON types.oid = choices.enumtypid
WHERE types.typnamespace = current_schema()::regnamespace
GROUP BY types.typname;
