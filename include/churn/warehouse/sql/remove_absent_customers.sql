DELETE FROM customers
WHERE NOT EXISTS (
    SELECT 1 FROM checked
    WHERE checked.customer_id = customers.customer_id AND cardinality(checked.reasons) = 0
);
