-- Rows that equal the customer's row are not checked again.
WHERE NOT EXISTS (
    SELECT FROM customers WHERE customers.customer_id = {staged_id} AND {is_known}
)
