INSERT INTO customers ({columns}, snapshot_date, source_hash, load_id)
SELECT {columns}, snapshot_date, source_hash, {load_id} FROM ({judged}) AS judged
WHERE is_valid;
