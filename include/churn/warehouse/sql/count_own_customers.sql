SELECT count(*)
FROM customers
WHERE
    customer_id NOT LIKE {prefix}
    AND NOT EXISTS (
        SELECT FROM loads
        WHERE loads.load_id = customers.load_id AND loads.is_sample
    )
