SELECT
    line,
    raw,
    reasons
FROM rejected_rows
WHERE load_id = {load_id}
ORDER BY line;
