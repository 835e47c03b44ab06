INSERT INTO rejected_rows (load_id, line, raw, reasons)
SELECT
    {load_id},
    judged.line,
    coalesce(judged.raw_line, concat_ws({delimiter}, {file_columns})),
    CASE
        WHEN judged.malformed IS NOT NULL THEN ARRAY[judged.malformed]
        ELSE
            array_remove(ARRAY[{reasons}]::text[], NULL)
            || CASE WHEN judged.is_repeated THEN ARRAY[{repeated}] ELSE ARRAY[]::text[] END
    END
FROM ({judged}) AS judged
WHERE NOT judged.is_valid OR judged.is_repeated;
