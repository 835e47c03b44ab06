SELECT
    line,
    reasons
FROM rejected_rows
WHERE load_id = {load_id}
ORDER BY line
LIMIT 3;
