SELECT
    file,
    snapshot_date,
    rows,
    coalesce(rejected, 0) AS rejected
FROM loads
WHERE snapshot_date <= {moment}::date AND verdict <> 'stop' AND NOT is_sample
ORDER BY snapshot_date DESC, load_id DESC
LIMIT {most}
