-- Unchanged customers were seen on a later day, so that no file of a day between overwrites them.
UPDATE customers SET snapshot_date = seen.snapshot_date
FROM (
    SELECT
        {staged_id} AS customer_id,
        {source_hash} AS source_hash,
        {row_snapshot_date} AS snapshot_date
    FROM {staging} AS staging
) AS seen
WHERE
    customers.customer_id = seen.customer_id
    AND customers.source_hash = seen.source_hash
    AND customers.snapshot_date < seen.snapshot_date;
