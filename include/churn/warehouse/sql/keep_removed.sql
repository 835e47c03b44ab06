INSERT INTO customer_history ({columns}, snapshot_date, load_id, updated_at, replaced_by)
SELECT {columns}, snapshot_date, load_id, updated_at, {load_id} FROM customers
WHERE {is_absent};
