-- An older snapshot never overwrites a newer row; load_id stays where only the spelling changed.
WITH merged AS (
    INSERT INTO customers AS existing ({columns}, snapshot_date, load_id)
    SELECT
        {columns},
        snapshot_date,
        {load_id}
    FROM checked
    WHERE is_valid AND NOT is_repeated
    ON CONFLICT (customer_id) DO UPDATE
        SET
            {assignments},
            snapshot_date = excluded.snapshot_date,
            load_id = CASE
                WHEN
                    ({existing_columns}) IS DISTINCT FROM ({excluded_columns})
                    THEN excluded.load_id
                ELSE existing.load_id
            END,
            updated_at = clock_timestamp()
        WHERE
        excluded.snapshot_date > {known_day}
        OR (
            excluded.snapshot_date = {known_day}
            AND ({existing_columns}) IS DISTINCT FROM ({excluded_columns})
        )
    RETURNING xmax = 0 AS is_new
)

SELECT count(*) FILTER (WHERE is_new) FROM merged;
