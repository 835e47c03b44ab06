-- Unchanged customers get the later day, so that no file of a day in between overwrites them.
UPDATE customers SET snapshot_date = {row_snapshot_date}
FROM {staging} AS staging
WHERE
    customers.customer_id = {staged_id}
    AND {known_day} < {row_snapshot_date}
    AND {is_known};
