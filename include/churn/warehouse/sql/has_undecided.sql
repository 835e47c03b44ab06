-- Whether customers were accepted after the last decision on a model, or ever if there is none.
WITH decided AS (
    SELECT coalesce(max(happened_at), '-infinity') AS happened_at FROM model_events
    WHERE {has_versions} AND kind IN ('proposed', 'kept', 'promoted')
)

SELECT count(*) > 0 AS has_undecided
FROM loads
CROSS JOIN decided
WHERE loads.verdict IN ('pass', 'flag') AND loads.finished_at > decided.happened_at;
