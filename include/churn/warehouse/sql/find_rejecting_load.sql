SELECT
    load_id,
    file,
    headers,
    delimiter,
    CASE WHEN snapshot_told_by != {dated_by_column} THEN snapshot_date END AS day,
    coalesce(rejected, 0) AS rejected
FROM loads
WHERE CASE WHEN {load_id}::bigint IS NULL THEN rejected > 0 ELSE load_id = {load_id} END
ORDER BY load_id DESC
LIMIT 1;
