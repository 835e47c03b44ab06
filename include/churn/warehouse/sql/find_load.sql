SELECT
    load_id,
    rows
FROM loads
WHERE
    sha256 = {sha256} AND verdict IN ('pass', 'flag')
    AND ({stated_day}::date IS NULL OR snapshot_date >= {stated_day}::date)
ORDER BY load_id DESC
LIMIT 1;
