SELECT
    grouping({names}) AS grouped,
    coalesce({names}) AS bin,
    count(*) AS predictions
FROM (
    SELECT {binned}
    FROM prediction_logs AS log
    CROSS JOIN LATERAL jsonb_to_record(log.features) AS known ({columns})
    WHERE {window}
) AS binned
GROUP BY GROUPING SETS ({sets})
