-- Whether the file has known customers, and whether any row of theirs is not older than their own.
-- With LIMIT, the planner looks ids up until one is found, which is soon in most files.
SELECT
    (
        SELECT 1 FROM {staging} AS staging
        INNER JOIN customers ON customers.customer_id = {staged_id}
        WHERE staging.malformed IS NULL
        LIMIT 1 -- noqa: AM09
    ) AS has_known,
    (
        SELECT 1 FROM {staging} AS staging
        INNER JOIN customers ON customers.customer_id = {staged_id}
        WHERE staging.malformed IS NULL AND {row_snapshot_date} >= {known_day}
        LIMIT 1 -- noqa: AM09
    ) AS has_fresh;
