SELECT
    count(*) FILTER (WHERE NOT checked.is_valid OR checked.is_repeated) AS rejected,
    count(*) FILTER (
        WHERE checked.is_valid AND NOT checked.is_repeated
        AND checked.snapshot_date < {known_day}
    ) AS older,
    count(*) FILTER (
        WHERE (NOT checked.is_valid OR checked.is_repeated) AND checked.churn
    ) AS rejected_churned
FROM checked
LEFT JOIN customers ON checked.customer_id = customers.customer_id;
