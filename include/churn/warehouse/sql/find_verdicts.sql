-- By the hash of a file: its last verdict, and the latest day of an accepted load.
SELECT
    sha256,
    (array_agg(verdict ORDER BY load_id DESC))[1] AS verdict,
    max(load_id) AS load_id,
    max(snapshot_date) FILTER (WHERE verdict IN ('pass', 'flag')) AS accepted_day
FROM loads
WHERE sha256 = any({sha256}) AND verdict IS NOT NULL
GROUP BY sha256;
