-- The cells of a column that have a mark, by their pattern of digits: an example, and how many.
SELECT
    min(cell COLLATE "C") AS example,
    count(*) AS number
FROM (SELECT {cell} AS cell FROM {staging} LIMIT {most}) AS cells -- noqa: AM09
WHERE octet_length(cell) >= {shortest} AND cell ~ {marked} AND length(cell) <= {longest}
GROUP BY translate(cell, '123456789', '999999999')
ORDER BY number DESC
LIMIT {shapes};
