-- How often each field spoilt a row: by a blank, a value not allowed, or a rule between fields.
WITH told AS (
    SELECT
        split_part(reason, ':', 1) AS field,
        CASE
            WHEN reason !~ ': expected ' THEN {contradiction}
            WHEN reason ~ ', got ''[ \t]*''$' THEN {blank}
            ELSE {unseen}
        END AS trouble
    FROM rejected_rows
    CROSS JOIN unnest(reasons) AS reason
    WHERE load_id = {load_id} AND reason != {repeated}
)

SELECT
    field,
    trouble,
    count(*) AS number
FROM told
WHERE field = any({fields})
GROUP BY field, trouble
ORDER BY number DESC, field ASC, trouble ASC;
