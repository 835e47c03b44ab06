SELECT split_part(reason, ':', 1) AS field, count(*) AS number
FROM rejected_rows
CROSS JOIN unnest(reasons) AS reason
WHERE load_id = {load_id}
GROUP BY field
ORDER BY number DESC, field;
