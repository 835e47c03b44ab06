SELECT
    load_id,
    rows
FROM loads
WHERE sha256 = {sha256} AND verdict IN ('pass', 'flag')
ORDER BY load_id DESC
LIMIT 1;
