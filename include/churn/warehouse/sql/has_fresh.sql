-- Whether the file has known customers, and any of them as of a day that is not older than known.
-- With a limit, the planner looks ids up until one is found, which is at once on most nights.
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
