SELECT
    rows,
    churned
FROM loads
WHERE verdict IN ('pass', 'flag') AND load_id < {load_id}
ORDER BY load_id DESC
LIMIT 1;
