-- The former state of every row that is about to change.
INSERT INTO customer_history ({columns}, snapshot_date, load_id, updated_at, replaced_by)
SELECT {existing_columns}, existing.snapshot_date, existing.load_id, existing.updated_at, {load_id}
FROM customers AS existing
INNER JOIN checked ON existing.customer_id = checked.customer_id
WHERE
    checked.is_valid AND NOT checked.is_repeated
    AND checked.snapshot_date >= {known_day}
    AND ({existing_columns}) IS DISTINCT FROM ({checked_columns});
