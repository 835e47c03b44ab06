SELECT
    report_id,
    model_version,
    window_start,
    window_end,
    as_of,
    made_at,
    verdict,
    rows,
    content
FROM {table}
ORDER BY as_of DESC, window_end DESC, report_id DESC
LIMIT 1;
