SELECT {columns} FROM {source}
ORDER BY customer_id;
