SELECT
    file,
    rows,
    extra_columns,
    verdict,
    reasons,
    accepted,
    rejected,
    inserted,
    updated,
    older,
    removed,
    churned,
    snapshot_date,
    snapshot_told_by,
    concat_ws(
        ', ', encoding, 'separator ' || quote_literal(delimiter), 'decimal ' || decimal_mark,
        nullif(compression, 'none'), CASE WHEN careful THEN 'line by line' END
    ) AS written
FROM loads
WHERE load_id = {load_id}
FOR UPDATE;
