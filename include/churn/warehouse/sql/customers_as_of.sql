-- A row's values stood from the load that wrote them until the load that replaced them.
WITH done AS (
    SELECT earlier.load_id FROM loads AS earlier
    INNER JOIN loads AS requested ON requested.load_id = {load_id}
    WHERE earlier.verdict IN ('pass', 'flag') AND earlier.finished_at <= requested.finished_at
)

SELECT {columns} FROM customers
WHERE load_id IN (SELECT done.load_id FROM done)
UNION ALL
SELECT {columns} FROM customer_history
WHERE
    load_id IN (SELECT done.load_id FROM done)
    AND replaced_by NOT IN (SELECT done.load_id FROM done)
