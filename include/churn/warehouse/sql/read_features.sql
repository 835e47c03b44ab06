SELECT
    prediction_id,
    features
FROM prediction_logs
WHERE
    predicted_at >= {start}
    AND predicted_at < {end}
    AND prediction_id = any({ids})
    AND features IS NOT NULL
