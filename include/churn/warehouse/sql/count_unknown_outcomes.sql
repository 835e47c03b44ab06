-- Outcomes without a prediction in the log.
SELECT
    (
        SELECT count(*) FROM outcomes
        WHERE
            outcomes.prediction_id IS NOT NULL
            AND NOT EXISTS (
                SELECT FROM prediction_logs AS log
                WHERE log.prediction_id = outcomes.prediction_id
            )
    ) AS predictions,
    (
        SELECT count(*) FROM outcomes
        WHERE
            outcomes.prediction_id IS NULL
            AND NOT EXISTS (
                SELECT FROM prediction_logs AS log
                WHERE log.customer_id = outcomes.customer_id
            )
    ) AS customers;
