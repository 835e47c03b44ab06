-- A customer whose row was rejected is in the file and is not removed.
NOT EXISTS (SELECT FROM {staging} AS staging WHERE {staged_id} = customers.customer_id)
