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
    encoding,
    delimiter,
    decimal_mark,
    thousands_mark,
    compression,
    careful
FROM loads
WHERE load_id = {load_id}
FOR UPDATE;
