INSERT INTO rejected_rows (load_id, row_number, raw, reasons)
SELECT
    {load_id},
    checked.row_number,
    jsonb_build_object({raw_pairs}),
    checked.reasons || CASE WHEN checked.is_repeated THEN ARRAY[{repeated}] ELSE ARRAY[]::text[] END
FROM checked
WHERE cardinality(checked.reasons) > 0 OR checked.is_repeated;
