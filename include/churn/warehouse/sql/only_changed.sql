-- Rows that say what is known already need not be looked at again.
WHERE NOT EXISTS (
    SELECT FROM customers WHERE customers.customer_id = {staged_id} AND {is_known}
)
