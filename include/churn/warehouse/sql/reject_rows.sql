-- COPY keeps the order of the lines, so a row's place in the table is its line; 1 is the header.
WITH judged AS ({judged}),

numbered AS (
    SELECT
        ctid AS place,
        row_number() OVER (ORDER BY ctid) + 1 AS line
    FROM {staging}
)

INSERT INTO rejected_rows (load_id, line, raw, reasons)
SELECT
    {load_id} AS load_id,
    coalesce(judged.line, numbered.line) AS line,
    coalesce(judged.raw_line, array_to_string(ARRAY[{cells}], {delimiter})) AS raw,
    CASE
        WHEN judged.malformed IS NOT NULL THEN ARRAY[judged.malformed]
        ELSE
            array_remove(ARRAY[{reasons}]::text[], NULL)
            || CASE WHEN judged.is_repeated THEN ARRAY[{repeated}] ELSE ARRAY[]::text[] END
    END AS reasons
FROM judged
INNER JOIN numbered ON judged.place = numbered.place
WHERE NOT judged.is_valid OR judged.is_repeated;
