-- Whether the file has the id of each customer once: their number and 64-bit hashes agree.
WITH staged AS (
    SELECT hashtextextended({staged_id}, 0) AS id_hash FROM {staging}
    WHERE malformed IS NULL
),

known AS (
    SELECT hashtextextended(customer_id, 0) AS id_hash FROM customers
)

SELECT
    (SELECT (count(*), sum(id_hash), bit_xor(id_hash)) FROM staged)
    = (SELECT (count(*), sum(id_hash), bit_xor(id_hash)) FROM known) AS same;
