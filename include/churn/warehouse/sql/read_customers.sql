SELECT {columns} FROM customers
ORDER BY customer_id;
