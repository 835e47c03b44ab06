-- A customer whose row was rejected is in the file all the same, and stays.
DELETE FROM customers
WHERE NOT EXISTS (
    SELECT 1 FROM checked
    WHERE checked.customer_id = customers.customer_id
);
