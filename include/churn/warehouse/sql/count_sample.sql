SELECT count(*) FROM customers
WHERE {is_of_sample};
