-- The customers that a replacement removes, and how many of them have a later snapshot date.
WITH absent AS (
    SELECT
        {known_day} AS known_day,
        {is_of_sample} AS of_sample
    FROM customers
    WHERE {is_absent}
),

file AS (
    SELECT max({row_snapshot_date}) AS last_day FROM {staging} AS staging -- noqa: AL05
),

sample AS (
    SELECT count(*) AS known FROM customers
    WHERE {is_of_sample}
)

SELECT
    max(sample.known) AS sample,
    count(*) FILTER (WHERE absent.of_sample) AS sample_absent,
    count(absent.known_day) AS absent,
    count(*) FILTER (WHERE NOT absent.of_sample AND absent.known_day > file.last_day) AS newer
FROM sample
CROSS JOIN file
LEFT JOIN absent ON true;
