SELECT {columns}
FROM customers
WHERE customer_id = {customer_id};
