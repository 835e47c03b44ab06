-- How many rows each field made invalid: by a blank, an invalid value, or a rule between fields.
WITH causes AS (
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
FROM causes
WHERE field = any({fields})
GROUP BY field, trouble
ORDER BY number DESC, field ASC, trouble ASC;
