-- Whether the file has known customers, and any of them as of a day that is not older than known.
SELECT
    EXISTS (
        SELECT FROM {staging} AS staging
        INNER JOIN customers ON customers.customer_id = {staged_id}
        WHERE staging.malformed IS NULL
    ) AS has_known,
    EXISTS (
        SELECT FROM {staging} AS staging
        INNER JOIN customers ON customers.customer_id = {staged_id}
        WHERE staging.malformed IS NULL AND {row_snapshot_date} >= {known_day}
    ) AS has_fresh;
