-- The same customers as churn.model.holdout: whose hash lies below the share.
SELECT {columns} FROM customers
WHERE ('x' || left(md5(customer_id), 8))::bit(32)::bigint < {share} * 4294967296
ORDER BY customer_id;
