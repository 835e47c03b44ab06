-- A customer whose row was rejected is in the file all the same, and stays.
NOT EXISTS (SELECT FROM {staging} AS staging WHERE {staged_id} = customers.customer_id)
