INSERT INTO customers ({columns}, snapshot_date, load_id)
SELECT {columns}, snapshot_date, {load_id} FROM ({judged}) AS judged
WHERE is_valid AND NOT is_repeated;
