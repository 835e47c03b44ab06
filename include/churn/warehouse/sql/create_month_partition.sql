-- A month whose predictions are in the default partition already stays there.
DO $$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM prediction_logs_other
        WHERE predicted_at >= {first_day} AND predicted_at < {next_first_day}
    ) THEN
        CREATE TABLE IF NOT EXISTS {partition} PARTITION OF prediction_logs
        FOR VALUES FROM ({first_day}) TO ({next_first_day});
    END IF;
END
$$;
