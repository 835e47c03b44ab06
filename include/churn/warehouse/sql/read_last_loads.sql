SELECT
    rows,
    churned
FROM loads
WHERE verdict IN ('pass', 'flag') AND load_id < {load_id} AND rows > 0
ORDER BY load_id DESC
LIMIT {loads};
