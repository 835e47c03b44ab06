SELECT
    grouping({names}) AS grouped,
    coalesce({names}) AS bin,
    count(*) AS predictions
FROM (
    SELECT {bins}
    FROM prediction_logs
    CROSS JOIN LATERAL jsonb_to_record(features) AS known ({columns})
    WHERE {window}
) AS binned
GROUP BY GROUPING SETS ({sets})
