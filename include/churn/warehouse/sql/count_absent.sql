-- The customers that a replacement removes, and those among them of a later day than the file's.
WITH absent AS (
    SELECT
        {known_day} AS known_day,
        {is_of_sample} AS of_sample
    FROM customers
    WHERE {is_absent}
)

SELECT
    (SELECT count(*) FROM customers WHERE {is_of_sample}) AS sample,
    count(*) FILTER (WHERE of_sample) AS sample_absent,
    count(*) AS absent,
    count(*) FILTER (
        WHERE NOT of_sample
        AND known_day > (SELECT max({row_snapshot_date}) FROM {staging} AS staging)
    ) AS newer
FROM absent;
