-- Tables with a column customer_id, and those with the text of files; a partition is its parent's.
SELECT
    tables.relname,
    ids.attname IS NOT NULL AS has_id
FROM pg_class AS tables
LEFT JOIN
    pg_attribute AS ids
    ON tables.oid = ids.attrelid AND ids.attname = {customer_id} AND NOT ids.attisdropped
WHERE
    tables.relkind IN ('r', 'p') AND NOT tables.relispartition
    AND tables.relnamespace = current_schema()::regnamespace
    AND (
        ids.attname IS NOT NULL
        OR tables.relname = 'rejected_rows'
        OR tables.relname ~ '^staging_load_[0-9]+$'
    )
ORDER BY tables.relname;
