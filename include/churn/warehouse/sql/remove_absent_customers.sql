-- A customer whose row was rejected is in the file all the same, and stays.
DELETE FROM customers
WHERE NOT EXISTS (SELECT FROM {staging} AS staging WHERE {staged_id} = customers.customer_id);
