INSERT INTO customer_history ({columns}, snapshot_date, load_id, updated_at, replaced_by)
SELECT {columns}, snapshot_date, load_id, updated_at, {load_id} FROM customers
WHERE NOT EXISTS (SELECT FROM {staging} AS staging WHERE {staged_id} = customers.customer_id);
