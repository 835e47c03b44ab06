DELETE FROM customers
WHERE {is_absent};
