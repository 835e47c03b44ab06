SELECT
    least(floor(probability_churn * {bins})::integer, {bins} - 1) AS bin,
    {complete} AS is_complete,
    count(*) AS predictions
FROM prediction_logs
WHERE {window}
GROUP BY bin, is_complete
