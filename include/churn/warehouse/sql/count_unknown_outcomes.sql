-- A customer of a customer file needs no prediction yet, and counts here until there is one.
SELECT
    count(*) FILTER (
        WHERE outcomes.prediction_id IS NOT NULL AND NOT EXISTS (
            SELECT FROM prediction_logs AS log
            WHERE log.prediction_id = outcomes.prediction_id
        )
    ) AS predictions,
    count(*) FILTER (
        WHERE outcomes.prediction_id IS NULL AND NOT EXISTS (
            SELECT FROM prediction_logs AS log
            WHERE log.customer_id = outcomes.customer_id
        )
    ) AS customers
FROM outcomes;
