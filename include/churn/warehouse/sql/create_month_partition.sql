CREATE TABLE IF NOT EXISTS {partition} PARTITION OF prediction_logs
FOR VALUES FROM ({first_day}) TO ({next_first_day});
