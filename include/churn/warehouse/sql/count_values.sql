-- How often each column has each value in a sample of the valid rows, and what it was before.
SELECT
    compared.field,
    compared.before,
    compared.after,
    count(*) AS customers
FROM ({judged}) AS judged
LEFT JOIN customers ON judged.customer_id = customers.customer_id
CROSS JOIN LATERAL (VALUES {values}) AS compared (field, before, after)
WHERE judged.is_valid AND NOT judged.is_repeated AND compared.after IS NOT NULL
GROUP BY compared.field, compared.before, compared.after;
