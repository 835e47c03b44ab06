-- The customers that a model may learn from: whose hash does not lie below the share held out.
COPY (
    SELECT {code}, {amounts} FROM {source}
    WHERE ('x' || left(md5(customer_id), 8))::bit(32)::bigint >= {share} * 4294967296
) TO STDOUT (FORMAT binary);
