-- Rows whose text is as it was when they were last cleaned need not be looked at again.
WHERE NOT EXISTS (
    SELECT FROM customers
    WHERE customers.customer_id = {staged_id} AND customers.source_hash = {source_hash}
)
