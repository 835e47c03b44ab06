-- Where COPY took the rows, the place of a row in the table tells its line; line 1 is the header.
INSERT INTO rejected_rows (load_id, line, raw, reasons)
SELECT
    {load_id},
    coalesce(judged.line, numbered.line),
    coalesce(judged.raw_line, array_to_string(ARRAY[{cells}], {delimiter})),
    CASE
        WHEN judged.malformed IS NOT NULL THEN ARRAY[judged.malformed]
        ELSE
            array_remove(ARRAY[{reasons}]::text[], NULL)
            || CASE WHEN judged.is_repeated THEN ARRAY[{repeated}] ELSE ARRAY[]::text[] END
    END
FROM ({judged}) AS judged
INNER JOIN (
    SELECT
        staging.ctid AS place,
        row_number() OVER (ORDER BY staging.ctid) + 1 AS line
    FROM {staging} AS staging
) AS numbered ON judged.place = numbered.place
WHERE NOT judged.is_valid OR judged.is_repeated;
