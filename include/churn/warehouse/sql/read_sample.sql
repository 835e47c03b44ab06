-- The same customers as churn.model.holdout.sample_positions below a share.
SELECT {columns} FROM {source}
WHERE ('x' || substr(md5(customer_id), 9, 8))::bit(32)::bigint < {share} * 4294967296
ORDER BY customer_id;
