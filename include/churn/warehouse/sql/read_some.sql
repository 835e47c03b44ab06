-- The customers whose ids have these hashes.
SELECT {columns} FROM {source}
WHERE {hash} = any({hashes})
ORDER BY customer_id;
