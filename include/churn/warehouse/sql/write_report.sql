INSERT INTO {table} (model_version, window_start, window_end, as_of, verdict, rows, content)
VALUES (
    {model_version}, {window_start}, {window_end}, {as_of}, {verdict}, {rows}, {content}
)
ON CONFLICT (model_version, window_start, window_end, as_of) DO UPDATE
    SET
        made_at = clock_timestamp(),
        verdict = excluded.verdict,
        rows = excluded.rows,
        content = excluded.content
RETURNING report_id;
