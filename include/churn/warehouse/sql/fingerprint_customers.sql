WITH parts AS (
    SELECT
        left(md5(customer_id), 2) AS part,
        count(*) AS customers,
        sha256(
            string_agg(
                sha256(convert_to(row({columns})::text, 'UTF8')), ''::bytea
                ORDER BY customer_id COLLATE "C"
            )
        ) AS hash
    FROM {source}
    GROUP BY 1
)

SELECT
    encode(
        sha256(coalesce(string_agg(hash, ''::bytea ORDER BY part COLLATE "C"), ''::bytea)), 'hex'
    ) AS fingerprint,
    coalesce(sum(customers), 0) AS customers
FROM parts;
