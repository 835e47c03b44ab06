-- The profiles of the last loads since the baseline, the latest first.
SELECT profile FROM loads
WHERE
    verdict IN ('pass', 'flag') AND load_id < {load_id} AND profile IS NOT NULL
    AND ({has_known} OR NOT is_sample)
    AND load_id >= coalesce((
        SELECT max(baseline.load_id) FROM loads AS baseline
        WHERE baseline.is_baseline AND baseline.load_id < {load_id}
    ), 0)
ORDER BY load_id DESC
LIMIT {loads};
