-- Unchanged rows are not touched, so each row's load_id is the load that last changed it.
WITH merged AS (
    INSERT INTO customers ({columns}, load_id)
    SELECT
        {columns},
        {load_id}
    FROM checked
    WHERE cardinality(reasons) = 0 AND NOT is_repeated
    ON CONFLICT (customer_id) DO UPDATE
        SET
            {assignments}, load_id = excluded.load_id, updated_at = clock_timestamp()
        WHERE ({existing_columns}) IS DISTINCT FROM ({excluded_columns})
    RETURNING (xmax = 0) AS is_new
)

SELECT
    count(*) FILTER (WHERE is_new) AS inserted,
    count(*) FILTER (WHERE NOT is_new) AS updated
FROM merged;
