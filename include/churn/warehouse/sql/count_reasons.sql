SELECT
    split_part(reason, ':', 1) AS field,
    count(*) AS number
FROM rejected_rows
CROSS JOIN unnest(reasons) AS reason
WHERE
    load_id = {load_id}
    AND reason != {repeated}
    AND split_part(reason, ':', 1) = any({fields})
GROUP BY field
ORDER BY number DESC, field ASC;
