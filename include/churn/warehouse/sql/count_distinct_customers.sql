SELECT count(*)
FROM (
    SELECT coalesce(customer_id, prediction_id::text) AS customer
    FROM prediction_logs
    WHERE {window}
    GROUP BY customer
) AS distinct_customers
