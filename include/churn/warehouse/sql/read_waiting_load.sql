SELECT
    rows,
    delimiter,
    decimal_mark,
    thousands_mark,
    unended,
    headers,
    snapshot_date,
    NOT EXISTS (
        SELECT FROM loads AS later
        WHERE later.load_id > loads.load_id AND later.verdict IS NOT NULL
    ) AS is_latest
FROM loads
WHERE load_id = {load_id};
