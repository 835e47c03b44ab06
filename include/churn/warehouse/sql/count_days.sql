SELECT
    (log.predicted_at AT TIME ZONE 'UTC')::date AS day,
    {bin} AS bin,
    count(*) AS predictions
FROM prediction_logs AS log
CROSS JOIN LATERAL jsonb_to_record(coalesce(log.features, '{{}}')) AS known ({columns})
WHERE {window} AND {condition}
GROUP BY 1, 2
