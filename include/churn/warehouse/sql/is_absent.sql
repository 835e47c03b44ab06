-- A customer whose row was rejected is in the file all the same, and stays; so does a newer one.
NOT EXISTS (SELECT FROM {staging} AS staging WHERE {staged_id} = customers.customer_id)
AND {known_day} <= (SELECT max({row_snapshot_date}) FROM {staging} AS staging)
