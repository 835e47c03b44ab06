-- One pass over the staging table: every value typed, every broken rule named.
-- Of several good rows with one id the last in the file counts.
CREATE TEMPORARY TABLE checked ON COMMIT DROP AS
SELECT
    judged.*,
    cardinality(judged.reasons) = 0 AND row_number() OVER (
        PARTITION BY judged.customer_id, cardinality(judged.reasons) = 0
        ORDER BY judged.row_number DESC
    ) > 1 AS is_repeated
FROM (
    SELECT
        typed.*,
        array_remove(ARRAY[{reasons}]::text[], NULL) AS reasons
    FROM (SELECT staging.*, {typed_columns} FROM {staging} AS staging) AS typed
) AS judged;
