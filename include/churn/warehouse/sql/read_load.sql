SELECT
    file,
    rows,
    concat_ws(
        ', ', encoding, 'separator ' || quote_literal(delimiter), 'decimal ' || decimal_mark,
        nullif(compression, 'none'), CASE WHEN careful THEN 'line by line' END
    ) AS written,
    extra_columns,
    snapshot_date || ' (' || snapshot_told_by || ')' AS snapshot,
    verdict,
    reasons,
    accepted,
    rejected,
    inserted,
    updated,
    older,
    removed,
    churned
FROM loads
WHERE load_id = {load_id}
FOR UPDATE;
