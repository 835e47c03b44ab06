-- The versions whose load had the customer: written by then, and not yet replaced.
WITH states AS (
    SELECT
        load_id,
        NULL::bigint AS replaced_by
    FROM customers
    WHERE customer_id = {customer_id}
    UNION ALL
    SELECT
        load_id,
        replaced_by
    FROM customer_history
    WHERE customer_id = {customer_id}
),

done AS (
    SELECT
        load_id,
        finished_at
    FROM loads
    WHERE verdict IN ('pass', 'flag')
)

SELECT model_versions.version
FROM model_versions
INNER JOIN done AS requested ON model_versions.load_id = requested.load_id
WHERE
    EXISTS (
        SELECT FROM states
        INNER JOIN done AS written ON states.load_id = written.load_id
        LEFT JOIN
            done AS gone
            ON states.replaced_by = gone.load_id AND requested.finished_at >= gone.finished_at
        WHERE written.finished_at <= requested.finished_at AND gone.load_id IS NULL
    )
ORDER BY model_versions.created_at;
