-- Loads that had every customer of their time, the latest day first.
SELECT
    load_id,
    snapshot_date
FROM loads
WHERE complete
ORDER BY snapshot_date DESC, load_id DESC;
