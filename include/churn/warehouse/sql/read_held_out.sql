-- The customers the hash of whose choices is below a limit, as churn.look_alikes computes it.
SELECT {columns} FROM customers
WHERE {hash} < {limit}
ORDER BY customer_id;
