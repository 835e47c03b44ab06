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
    concat_ws(
        ', ', encoding, 'separator ' || quote_literal(delimiter), 'decimal ' || decimal_mark,
        nullif(compression, 'none'), CASE WHEN careful THEN 'line by line' END
    ) AS written,
    CASE
        WHEN snapshot_told_by = 'the column snapshot_date' THEN snapshot_told_by
        ELSE snapshot_date || ' (' || snapshot_told_by || ')'
    END AS snapshot
FROM loads
WHERE load_id = {load_id}
FOR UPDATE;
